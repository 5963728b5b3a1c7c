/** Server-sent events read with `fetch`, so that a token can be sent; takes up where it left off after a break. */
import { useEffect, useRef, useState } from 'react';
import { authHeaders } from './client';

export interface LiveEvent {
  event: string;
  data: string;
  id: string | null;
}

/** Feeds text in pieces, gives whole events out. `id` and `event` are those of the block, as the standard says. */
export function eventParser(emit: (event: LiveEvent) => void): (chunk: string) => void {
  let rest = '';
  let event = '';
  let id: string | null = null;
  let data: string[] = [];
  return (chunk) => {
    rest += chunk;
    for (;;) {
      const end = rest.search(/\r\n|\n|\r(?!$)/);
      if (end === -1) return;
      const line = rest.slice(0, end);
      rest = rest.slice(end + (rest.startsWith('\r\n', end) ? 2 : 1));
      if (line === '') {
        if (data.length) emit({ event: event || 'message', data: data.join('\n'), id });
        event = '';
        data = [];
        continue;
      }
      const colon = line.indexOf(':');
      const name = colon === -1 ? line : line.slice(0, colon);
      const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '');
      if (name === 'data') data.push(value);
      else if (name === 'event') event = value;
      else if (name === 'id') id = value;
    }
  };
}

/** `live`: events arrive. `lost`: the connection broke, and is tried again. `none`: the server tells nothing live. */
export type LiveState = 'connecting' | 'live' | 'lost' | 'none';

const WAIT_FIRST_MS = 500;
const WAIT_MAX_MS = 10_000;
/** A server says something every 10 s: one that is silent for so long is gone, though the connection did not break. */
export const SILENCE_MS = 30_000;

/**
 * Listens at `url` while it is not null and the tab is visible. A connection that breaks or falls silent is made again,
 * from the last event on: what was missed is told by the first event then.
 */
export function useLive(url: string | null, onEvent: (event: LiveEvent) => void): LiveState {
  const [state, setState] = useState<LiveState>('connecting');
  const handler = useRef(onEvent);
  useEffect(() => {
    handler.current = onEvent;
  });
  useEffect(() => {
    if (url === null) return;
    let over = false;
    let lastId: string | null = null;
    let controller: AbortController | null = null;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let watch: ReturnType<typeof setTimeout> | undefined;
    let wait = WAIT_FIRST_MS;

    const again = () => {
      clearTimeout(watch);
      if (over || document.hidden) return;
      setState('lost');
      clearTimeout(timer);
      timer = setTimeout(connect, wait);
      wait = Math.min(wait * 2, WAIT_MAX_MS);
    };
    const connect = async () => {
      if (over || document.hidden) return;
      controller?.abort();
      const mine = new AbortController();
      controller = mine;
      const heard = () => {
        clearTimeout(watch);
        watch = setTimeout(() => mine.abort(), SILENCE_MS);
      };
      heard();
      try {
        const response = await fetch(url, {
          headers: {
            accept: 'text/event-stream',
            ...authHeaders(),
            ...(lastId === null ? {} : { 'last-event-id': lastId }),
          },
          signal: mine.signal,
          cache: 'no-store',
        });
        if (response.status === 404 || response.status === 405) {
          clearTimeout(watch);
          setState('none');
          return;
        }
        if (!response.ok || !response.body) throw new Error(`status ${response.status}`);
        setState('live');
        wait = WAIT_FIRST_MS;
        const feed = eventParser((event) => {
          lastId = event.id ?? lastId;
          if (!over) handler.current(event);
        });
        const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
        for (;;) {
          const { done, value } = await reader.read();
          if (done) break;
          heard();
          feed(value);
        }
        again();
      } catch {
        if (controller === mine) again();
      }
    };
    const visibility = () => {
      if (document.hidden) {
        clearTimeout(timer);
        clearTimeout(watch);
        const old = controller;
        controller = null;
        old?.abort();
      } else if (!controller) {
        void connect();
      }
    };
    document.addEventListener('visibilitychange', visibility);
    setState('connecting');
    void connect();
    return () => {
      over = true;
      clearTimeout(timer);
      clearTimeout(watch);
      controller?.abort();
      document.removeEventListener('visibilitychange', visibility);
    };
  }, [url]);
  return url === null ? 'none' : state;
}
