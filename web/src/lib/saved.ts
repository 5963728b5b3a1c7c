/** Views of lists a reader gave a name: kept in this browser, as the addresses they are. */
import { useSyncExternalStore } from 'react';
import { parseRoute, type Route, routeUrl } from '../url/route';

export interface SavedView {
  name: string;
  route: Route;
}

const KEY = 'linkloom.views';
const MAX = 50;
const NAME_CHARS = 60;
const listeners = new Set<() => void>();

/** What was stored, without what is none of ours: a name and the address of a list. */
export function readViews(stored: string | null): SavedView[] {
  try {
    const value: unknown = JSON.parse(stored ?? '[]');
    if (!Array.isArray(value)) return [];
    return value.slice(0, MAX).flatMap((one: unknown): SavedView[] => {
      const { name, url } = (one ?? {}) as { name?: unknown; url?: unknown };
      if (typeof name !== 'string' || typeof url !== 'string' || !name) return [];
      const [path = '', search = ''] = url.replace(/^\.\//, '').split(/\?(.*)/s);
      const route = parseRoute(path, search);
      return canSave(route) ? [{ name: name.slice(0, NAME_CHARS), route }] : [];
    });
  } catch {
    return [];
  }
}

let views = readViews(localStorage.getItem(KEY));

function keep(next: SavedView[]): void {
  views = next;
  try {
    localStorage.setItem(KEY, JSON.stringify(views.map(({ name, route }) => ({ name, url: routeUrl(route) }))));
  } catch {
    // A browser that keeps nothing: they hold as long as the page is open.
  }
  for (const listener of listeners) listener();
}

/** Lists can be saved: executions of an id, of a scene. */
export function canSave(route: Route): boolean {
  return (route.page === 'home' && route.id !== '') || (route.page === 'scene' && route.tab === 'executions');
}

/** Saves a view under a name, in place of the one that has it. */
export function saveView(name: string, route: Route): void {
  const short = name.trim().slice(0, NAME_CHARS);
  if (!short || !canSave(route)) return;
  const at = views.findIndex((view) => view.name === short);
  const view = { name: short, route };
  keep(at === -1 ? [view, ...views].slice(0, MAX) : views.with(at, view));
}

export function renameView(from: string, to: string): void {
  const short = to.trim().slice(0, NAME_CHARS);
  if (!short || short === from) return;
  keep(
    views.filter((view) => view.name !== short).map((view) => (view.name === from ? { ...view, name: short } : view)),
  );
}

export function deleteView(name: string): void {
  keep(views.filter((view) => view.name !== name));
}

export function useViews(): SavedView[] {
  return useSyncExternalStore(
    (listener) => {
      const other = (event: StorageEvent) => {
        if (event.key !== KEY) return;
        views = readViews(event.newValue);
        listener();
      };
      listeners.add(listener);
      window.addEventListener('storage', other);
      return () => {
        listeners.delete(listener);
        window.removeEventListener('storage', other);
      };
    },
    () => views,
  );
}
