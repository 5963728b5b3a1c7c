import { describe, expect, it } from 'vitest';
import { initialExecution, initialScene, instant, NO_FILTERS, parseRoute, type Route, routeUrl } from './route';

const MARK = { businessId: 'a/b?c=d&e %25', sceneId: '..', executionId: '业务#1' };

function roundTrip(route: Route): Route {
  const url = new URL(routeUrl(route), 'http://host/some/prefix/');
  expect(url.pathname.startsWith('/some/prefix/')).toBe(true);
  return parseRoute(url.pathname.slice('/some/prefix/'.length), url.search);
}

describe('a route', () => {
  const routes: Route[] = [
    { page: 'home', id: '', filters: NO_FILTERS },
    {
      page: 'home',
      id: '<b>&"',
      filters: { scene: 's', status: 'failed', from: '1h', to: '', text: 'x y', meta: ['a=b', 'c=d=e'] },
    },
    { page: 'execution', ...initialExecution(MARK) },
    {
      page: 'execution',
      mark: MARK,
      view: 'logs',
      node: 'n',
      tab: 'output',
      run: '#2',
      level: 'ERROR',
      text: 't',
      onlyNode: true,
      line: 7,
      at: 1795341600123456,
      fold: ['x', 'y'],
      minor: true,
      down: true,
      align: true,
    },
    { page: 'compare', left: MARK, right: null, node: '' },
    { page: 'compare', left: MARK, right: { ...MARK, executionId: '2' }, node: 'n' },
    { page: 'scenes' },
    { page: 'scene', ...initialScene('.'), tab: 'versions', version: 'v', other: 'w', node: 'n' },
    { page: 'scene', ...initialScene('s'), tab: 'graph', variant: 0, node: 'd', overlay: 'errors', branch: 'a&b' },
    { page: 'unlinked', service: 's', trace: '' },
    { page: 'dead', source: 's', reason: 'mark', id: 'x' },
    { page: 'file' },
  ];

  it.each(routes.map((route) => [JSON.stringify(route), route] as const))(
    'comes back from its address: %s',
    (_, route) => {
      expect(roundTrip(route)).toEqual(route);
    },
  );

  it('leaves out what is as it is by itself', () => {
    expect(
      routeUrl({ page: 'execution', ...initialExecution({ businessId: 'b', sceneId: 's', executionId: 'e' }) }),
    ).toBe('./execution?b=b&s=s&e=e');
    expect(routeUrl({ page: 'home', id: '', filters: NO_FILTERS }, { embed: true })).toBe('./?embed=1');
  });

  it('that is none is told so', () => {
    expect(parseRoute('nowhere', '')).toEqual({ page: 'unknown', path: 'nowhere' });
    expect(parseRoute('execution', '?b=b&s=s')).toEqual({ page: 'unknown', path: 'execution' });
  });

  it('takes values it does not know for none', () => {
    expect(parseRoute('execution', '?b=b&s=s&e=e&view=3d&tab=x&line=-1&at=soon')).toEqual({
      page: 'execution',
      ...initialExecution({ businessId: 'b', sceneId: 's', executionId: 'e' }),
    });
  });
});

describe('a span', () => {
  it('is counted back from now', () => {
    const now = Date.UTC(2026, 10, 22, 12);
    expect(instant('15m', now)).toBe('2026-11-22T11:45:00.000Z');
    expect(instant('7d', now)).toBe('2026-11-15T12:00:00.000Z');
    expect(instant('2026-11-22T00:00:00Z', now)).toBe('2026-11-22T00:00:00Z');
    expect(instant('', now)).toBeNull();
  });
});
