import { type AnchorHTMLAttributes, type ReactNode, useMemo, useSyncExternalStore } from 'react';
import { type Frame, parseRoute, type Route, routeUrl } from './route';

const listeners = new Set<() => void>();

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  window.addEventListener('popstate', listener);
  return () => {
    listeners.delete(listener);
    window.removeEventListener('popstate', listener);
  };
}

const snapshot = () => location.pathname + location.search;

function lastSegment(pathname: string): string {
  const name = pathname.slice(pathname.lastIndexOf('/') + 1);
  return name === 'index.html' ? '' : name;
}

export function currentFrame(): Frame {
  return { embed: new URLSearchParams(location.search).has('embed') };
}

/** Goes to a route. `replace`: without a step to go back to, for what changes while one types or drags. */
export function navigate(route: Route, options: { replace?: boolean } = {}): void {
  const url = routeUrl(route, currentFrame());
  if (options.replace) history.replaceState(null, '', url);
  else history.pushState(null, '', url);
  for (const listener of listeners) listener();
}

export function useRoute(): Route {
  const at = useSyncExternalStore(subscribe, snapshot);
  return useMemo(() => {
    const url = new URL(at, location.origin);
    return parseRoute(lastSegment(url.pathname), url.search);
  }, [at]);
}

interface Props extends Omit<AnchorHTMLAttributes<HTMLAnchorElement>, 'href'> {
  to: Route;
  children: ReactNode;
}

/** A real link: can be opened in a new tab, copied, and is followed without a reload. */
export function Link({ to, children, onClick, ...rest }: Props) {
  return (
    <a
      {...rest}
      href={routeUrl(to, currentFrame())}
      onClick={(event) => {
        onClick?.(event);
        if (event.defaultPrevented || event.button !== 0) return;
        if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
        event.preventDefault();
        navigate(to);
      }}
    >
      {children}
    </a>
  );
}
