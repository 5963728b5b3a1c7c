import { act, cleanup, render } from '@testing-library/react';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { type LiveEvent, SILENCE_MS, useLive } from './live';

interface Call {
  headers: Record<string, string>;
  signal: AbortSignal;
  push: (text: string) => void;
  close: () => void;
}

let calls: Call[] = [];
let answer = 200;
let events: LiveEvent[] = [];

beforeEach(() => {
  vi.useFakeTimers();
  calls = [];
  events = [];
  answer = 200;
  vi.stubGlobal('fetch', (_url: string, init: { headers: Record<string, string>; signal: AbortSignal }) => {
    if (answer === 0) {
      calls.push({ ...init, push: () => {}, close: () => {} });
      return Promise.reject(new TypeError('no connection'));
    }
    const bytes = new TextEncoder();
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        calls.push({
          ...init,
          push: (text) => controller.enqueue(bytes.encode(text)),
          close: () => controller.close(),
        });
        init.signal.addEventListener('abort', () => controller.error(new DOMException('aborted', 'AbortError')));
      },
    });
    return Promise.resolve(new Response(answer === 200 ? body : null, { status: answer }));
  });
});

afterEach(() => {
  cleanup();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function Listener() {
  return <p>{useLive('./live', (event) => events.push(event))}</p>;
}

const pass = (ms: number) => act(() => vi.advanceTimersByTimeAsync(ms));
const state = () => document.querySelector('p')?.textContent;

it('comes back from the last event on after a break, waiting longer each time', async () => {
  render(<Listener />);
  await pass(0);
  expect(state()).toBe('live');
  calls[0]?.push('id: 7\nevent: list\ndata: {}\n\n');
  await pass(0);
  expect(events).toEqual([{ event: 'list', data: '{}', id: '7' }]);
  answer = 0;
  calls[0]?.close();
  await pass(0);
  expect(state()).toBe('lost');
  await pass(500);
  expect(calls).toHaveLength(2);
  expect(calls[1]?.headers['last-event-id']).toBe('7');
  await pass(999);
  expect(calls).toHaveLength(2);
  await pass(1);
  expect(calls).toHaveLength(3);
  answer = 200;
  await pass(2000);
  expect(state()).toBe('live');
  expect(calls[3]?.headers['last-event-id']).toBe('7');
});

it('takes a connection that says nothing any more for lost', async () => {
  render(<Listener />);
  await pass(SILENCE_MS - 1);
  calls[0]?.push(': keep-alive\n\n');
  await pass(SILENCE_MS - 1);
  expect([state(), calls.length]).toEqual(['live', 1]);
  await pass(1);
  expect(calls[0]?.signal.aborted).toBe(true);
  expect(state()).toBe('lost');
  await pass(500);
  expect([state(), calls.length]).toEqual(['live', 2]);
});

it('asks no further where nothing is told live', async () => {
  answer = 404;
  render(<Listener />);
  await pass(60_000);
  expect([state(), calls.length]).toEqual(['none', 1]);
});

it('rests when it is not shown any more', async () => {
  const { unmount } = render(<Listener />);
  await pass(0);
  unmount();
  expect(calls[0]?.signal.aborted).toBe(true);
  await pass(60_000);
  expect(calls).toHaveLength(1);
});
