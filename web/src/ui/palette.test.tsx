import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { cleanup, fireEvent, render, screen, waitFor } from '@testing-library/react';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { deleteView, saveView } from '../lib/saved';
import { changeSettings } from '../lib/settings';
import { entry } from '../testing/made';
import { initialExecution, initialScene, NO_FILTERS, type Route } from '../url/route';
import { Palette } from './palette';

const HOME: Route = { page: 'home', id: '', filters: NO_FILTERS };
let asked: string[] = [];

beforeEach(() => {
  asked = [];
  history.replaceState(null, '', '/');
  vi.stubGlobal('fetch', (url: string) => {
    asked.push(url);
    const paths = Object.fromEntries(['/api/v1/scenes', '/api/v1/resolve', '/api/v1/dead'].map((path) => [path, {}]));
    const scene = { linkName: 'Order with payment', description: null, definitionVersion: null, versions: 1, nodes: 2 };
    const answer = url.includes('openapi')
      ? { paths }
      : url.includes('resolve')
        ? {
            query: 'content-1',
            found: [
              { kind: 'business', businessId: 'content-1', executions: [entry({ sceneId: 'intake' })], more: true },
            ],
          }
        : { scenes: [{ ...scene, sceneId: 'order', lastStartTime: null }], nextCursor: null };
    return Promise.resolve(new Response(JSON.stringify(answer)));
  });
});

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
  deleteView('late');
  changeSettings({ language: 'en', theme: 'system' });
});

function show(route: Route = HOME) {
  const closed = vi.fn();
  const help = vi.fn();
  render(
    <QueryClientProvider client={new QueryClient({ defaultOptions: { queries: { retry: false } } })}>
      <Palette route={route} onClose={closed} onHelp={help} />
    </QueryClientProvider>,
  );
  return { closed, help, input: screen.getByRole('combobox') };
}

const texts = () => screen.getAllByRole('option').map((option) => option.textContent);
const type = (input: HTMLElement, value: string) => fireEvent.change(input, { target: { value } });

describe('the palette', () => {
  it('has the focus, lists pages and scenes, and tells which one is marked', async () => {
    const { input } = show();
    expect(document.activeElement).toBe(input);
    await waitFor(() => expect(texts().join()).toContain('Order with payment'));
    expect(texts().join()).toContain('Dead letters');
    expect(texts().join()).not.toContain('Unlinked');
    const marked = () => screen.getByRole('option', { selected: true });
    expect(input.getAttribute('aria-activedescendant')).toBe(marked().id);
    const first = marked().textContent;
    fireEvent.keyDown(input, { key: 'ArrowDown' });
    expect(marked().textContent).not.toBe(first);
    expect(input.getAttribute('aria-activedescendant')).toBe(marked().id);
    fireEvent.keyDown(input, { key: 'ArrowUp' });
    fireEvent.keyDown(input, { key: 'ArrowUp' });
    expect(marked()).toBe(screen.getAllByRole('option').at(-1));
  });

  it('goes to a scene by part of its id', async () => {
    const { input } = show();
    await waitFor(() => expect(texts().join()).toContain('Order with payment'));
    type(input, 'ORD');
    expect(texts()).toEqual(['Order with payment orderscene', 'ORDSearch']);
    fireEvent.keyDown(input, { key: 'Enter' });
    expect(location.pathname + location.search).toBe('/scene?s=order');
  });

  it('looks an id up when the typing pauses, and goes to its executions', async () => {
    const { input } = show();
    await waitFor(() => expect(asked.some((url) => url.includes('openapi'))).toBe(true));
    for (const part of ['co', 'conte', 'content-1']) type(input, part);
    await waitFor(() => expect(texts()[0]).toContain('1 execution+'), { timeout: 3000 });
    expect(asked.filter((url) => url.includes('resolve'))).toEqual(['./api/v1/resolve?q=content-1']);
    expect(texts()[1]).toContain('b › intake');
    fireEvent.keyDown(input, { key: 'Enter' });
    expect(location.search).toBe('?id=content-1');
  });

  it('takes what nobody knows for an id to search', () => {
    const { input } = show();
    type(input, ' <b>&x ');
    expect(texts()).toEqual(['<b>&xSearch']);
    fireEvent.keyDown(input, { key: 'Enter' });
    expect(location.search).toBe('?id=%3Cb%3E%26x');
  });

  it('has saved views, and what can be done with an execution', () => {
    saveView('late', { page: 'scene', ...initialScene('s'), filters: { ...NO_FILTERS, status: 'stalled' } });
    const mark = { businessId: 'b', sceneId: 's', executionId: 'e' };
    const route: Route = { page: 'execution', ...initialExecution(mark), node: 'n' };
    const { input } = show(route);
    expect(texts().join()).toContain('Timeline');
    expect(texts().join()).not.toContain('Panorama');
    type(input, 'timel');
    fireEvent.click(screen.getByRole('option', { name: /Timeline/ }));
    expect(location.search).toBe('?b=b&s=s&e=e&view=timeline&node=n');
    cleanup();
    type(show(route).input, 'late');
    fireEvent.click(screen.getByRole('option', { name: /Saved views/ }));
    expect(location.search).toBe('?s=s&status=stalled');
  });

  it('changes settings', () => {
    type(show().input, 'dark');
    fireEvent.click(screen.getByRole('option', { name: /Dark colours/ }));
    expect(document.documentElement.dataset.theme).toBe('dark');
    cleanup();
    type(show().input, '中文');
    fireEvent.click(screen.getByRole('option', { name: /中文.*action/ }));
    expect(document.documentElement.lang).toBe('zh-CN');
    cleanup();
    const { input, help, closed } = show();
    type(input, '键盘');
    fireEvent.click(screen.getByRole('option', { name: /键盘快捷键/ }));
    expect(help).toHaveBeenCalledOnce();
    expect(closed).toHaveBeenCalledOnce();
  });
});
