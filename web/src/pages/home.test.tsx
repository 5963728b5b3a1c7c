import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { cleanup, render, screen, waitFor } from '@testing-library/react';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { entry } from '../testing/made';
import { NO_FILTERS } from '../url/route';
import { HomePage } from './home';

let asked: string[] = [];
let late: (answer: Response) => void;

const json = (answer: unknown) => new Response(JSON.stringify(answer));

beforeEach(() => {
  asked = [];
  const paths = Object.fromEntries(['/api/v1/scenes', '/api/v1/resolve'].map((path) => [path, {}]));
  vi.stubGlobal('fetch', (url: string) => {
    if (url.includes('/live')) return new Promise(() => {});
    if (url.includes('openapi')) return Promise.resolve(json({ paths }));
    if (!url.includes('resolve')) return Promise.resolve(json({ executions: [], nextCursor: null }));
    asked.push(url);
    if (url.includes('search=')) return new Promise<Response>((resolve) => (late = resolve));
    const complete = url.includes('known-to-nobody');
    return Promise.resolve(json({ query: 'old', found: [], searched: { executions: 2000, complete } }));
  });
});

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

function show(id: string) {
  render(
    <QueryClientProvider client={new QueryClient({ defaultOptions: { queries: { retry: false } } })}>
      <HomePage id={id} filters={NO_FILTERS} />
    </QueryClientProvider>,
  );
}

describe('an id that is filed nowhere', () => {
  it('is looked for in more executions, which is said, and shown when it is found', async () => {
    show('old');
    await screen.findByText('Looking through executions for this id…');
    expect(asked).toEqual(['./api/v1/resolve?q=old', './api/v1/resolve?q=old&search=100000']);
    const execution = entry({ businessId: 'content-7', executionId: 'old' });
    late(
      json({
        query: 'old',
        found: [{ kind: 'execution', as: 'executionId', execution }],
        searched: { executions: 9e4 },
      }),
    );
    await screen.findByText('content-7');
    expect(screen.queryByText('Looking through executions for this id…')).toBeNull();
  });

  it('is looked for no further where all were looked through', async () => {
    show('known-to-nobody');
    await screen.findByText('Nothing is known of this id');
    await waitFor(() => expect(asked).toHaveLength(1));
  });
});
