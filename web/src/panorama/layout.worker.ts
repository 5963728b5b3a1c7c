import { type LayoutInput, layoutOf } from './layout';

self.onmessage = (event: MessageEvent<{ id: number; input: LayoutInput }>) => {
  self.postMessage({ id: event.data.id, layout: layoutOf(event.data.input) });
};
