import { useEffect, useMemo, useState } from 'react';
import type { Layout } from './geometry';
import { type LayoutInput, layoutOf } from './layout';

/** Up to so many nodes a layout takes less than a frame or two and is computed where it is needed. */
const INLINE_NODES = 800;

let worker: Worker | null = null;
let lastId = 0;

function inWorker(input: LayoutInput, done: (layout: Layout) => void): () => void {
  worker ??= new Worker(new URL('./layout.worker.ts', import.meta.url), { type: 'module' });
  const id = ++lastId;
  const used = worker;
  const listener = (event: MessageEvent<{ id: number; layout: Layout }>) => {
    if (event.data.id !== id) return;
    used.removeEventListener('message', listener);
    done(event.data.layout);
  };
  used.addEventListener('message', listener);
  used.postMessage({ id, input });
  return () => used.removeEventListener('message', listener);
}

/** The layout of `input`, which must be stable between renders; the one before while a large one is computed. */
export function useLayout(input: LayoutInput): Layout | null {
  const large = input.nodes.length > INLINE_NODES;
  const inline = useMemo(() => (large ? null : layoutOf(input)), [input, large]);
  const [computed, setComputed] = useState<Layout | null>(null);
  useEffect(() => (large ? inWorker(input, setComputed) : undefined), [input, large]);
  return inline ?? computed;
}
