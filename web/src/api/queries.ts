/** What the page asks for, each question in one place. */
import {
  type InfiniteData,
  infiniteQueryOptions,
  type QueryClient,
  queryOptions,
  useInfiniteQuery,
  useQuery,
  useQueryClient,
} from '@tanstack/react-query';
import { useCallback, useEffect, useRef } from 'react';
import { ApiError, apiUrl, businessPath, executionPath, type Params, request, scenePath } from './client';
import { parseJson } from './json';
import { remove, renew, upsert } from './list';
import { type LiveEvent, type LiveState, useLive } from './live';
import type {
  Definition,
  Execution,
  ListAnswer,
  ListEntry,
  LogLine,
  LogsAnswer,
  Mark,
  NodeAnswer,
  NodeState,
} from './types';

/** Without live events, what is still going on is asked for again at this pace. */
const POLL_MS = 2000;

/** A request that failed for a passing reason is tried twice more; a wrong one is told at once. */
export function retry(failures: number, error: unknown): boolean {
  return failures < 2 && error instanceof ApiError && error.passing && error.status !== 429;
}

/** How long after a passing failure what is on the page is asked for again, unless the server said how long. */
const AGAIN_MS = 5000;

/** When to ask again after a failure that may pass; false: not by itself. */
export function again(error: unknown): number | false {
  if (!(error instanceof ApiError) || !error.passing) return false;
  return error.retryAfter === null ? AGAIN_MS : Math.max(1, error.retryAfter) * 1000;
}

export const executionQuery = (mark: Mark) =>
  queryOptions({
    queryKey: ['execution', mark],
    queryFn: ({ signal }) => request<Execution>(apiUrl(executionPath(mark)), { signal }),
  });

/** At most so often an execution that changes all the time is asked for. */
const ASK_MS = 250;
/** So many pages of logs are asked for again when there are more; of longer ones only the last. */
const LOG_PAGES = 3;

/** An execution that is asked for again when it changes. */
export function useExecution(mark: Mark) {
  const client = useQueryClient();
  const options = executionQuery(mark);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  const live = useLive(apiUrl(`${executionPath(mark)}/live`), () => {
    timer.current ??= setTimeout(() => {
      timer.current = undefined;
      void client.invalidateQueries({ queryKey: options.queryKey });
    }, ASK_MS);
  });
  const query = useQuery({
    ...options,
    refetchInterval: (state) => {
      const { data, error } = state.state;
      if (error instanceof ApiError && error.status === 404) return live === 'live' ? false : POLL_MS;
      if (error) return again(error);
      return live !== 'live' && (data?.status === 'running' || data?.status === 'stalled') ? POLL_MS : false;
    },
  });
  const reports = query.data?.counts.reports;
  const known = useRef(reports);
  useEffect(() => {
    if (known.current !== undefined && known.current !== reports) refreshParts(client, mark);
    known.current = reports;
  }, [client, mark, reports]);
  return { query, live };
}

/** What hangs on an execution that has more reports now: its nodes, and its logs from where they may go on. */
function refreshParts(client: QueryClient, mark: Mark): void {
  void client.invalidateQueries({ queryKey: ['node', mark] });
  for (const query of client.getQueryCache().findAll({ queryKey: ['logs', mark] })) {
    const data = query.state.data as InfiniteData<LogsAnswer, string> | undefined;
    if (!data || data.pages.length <= LOG_PAGES) void client.invalidateQueries({ queryKey: query.queryKey });
    else {
      client.setQueryData(query.queryKey, {
        pages: data.pages.slice(0, -1),
        pageParams: data.pageParams.slice(0, -1),
      });
    }
  }
}

export const definitionQuery = (sceneId: string, version: string | null) =>
  queryOptions({
    queryKey: ['definition', sceneId, version],
    queryFn: ({ signal }) =>
      request<DefinitionAnswer>(apiUrl(`${scenePath(sceneId)}/definition`, { version }), { signal }),
    // A version is a hash of its content: it never changes.
    staleTime: version ? Infinity : 5000,
  });

export interface DefinitionAnswer {
  sceneId: string;
  version: string;
  validFrom: string | null;
  current: boolean;
  definition: Definition;
  versions: {
    version: string;
    validFrom: string | null;
    label: string | null;
    linkName: string | null;
    current: boolean;
  }[];
}

export type ListSource = { kind: 'business'; businessId: string } | { kind: 'scene'; sceneId: string };

/** The first page is there soon; who scrolls on gets more at once. */
const FIRST_PAGE = 100;
const PAGE = 500;

function listBase(source: ListSource): string {
  return source.kind === 'business' ? businessPath(source.businessId) : scenePath(source.sceneId);
}

export const listQuery = (source: ListSource, filters: Params | URLSearchParams) => {
  const search = new URLSearchParams(filters as Record<string, string>);
  return infiniteQueryOptions({
    queryKey: ['list', source, search.toString()],
    queryFn: ({ signal, pageParam }) => {
      const query = new URLSearchParams(search);
      query.set('limit', String(pageParam ? PAGE : FIRST_PAGE));
      if (pageParam) query.set('cursor', pageParam);
      return request<ListAnswer>(`${apiUrl(`${listBase(source)}/executions`)}?${query}`, { signal });
    },
    initialPageParam: '',
    getNextPageParam: (last: ListAnswer) => last.nextCursor,
  });
};

/** A list that new executions arrive in. */
export function useList(source: ListSource, filters: URLSearchParams) {
  const client = useQueryClient();
  const options = listQuery(source, filters);
  const text = filters.toString();
  const url = `${apiUrl(`${listBase(source)}/live`)}${text ? `?${text}` : ''}`;
  const live = useLive(url, (event) => {
    applyListEvent(client, options.queryKey, event);
  });
  const query = useInfiniteQuery({
    ...options,
    // Polling asks for all pages again: only while one is loaded.
    refetchInterval: ({ state }) => {
      if (state.error) return again(state.error);
      return live === 'live' || (state.data?.pages.length ?? 0) > 1 ? false : POLL_MS;
    },
  });
  return { query, live };
}

export function applyListEvent(client: QueryClient, key: readonly unknown[], event: LiveEvent): void {
  client.setQueryData<InfiniteData<ListAnswer, string>>(key, (data) => {
    if (!data) return data;
    const pages = changedPages(data.pages, event);
    return pages === data.pages ? data : { pages, pageParams: data.pageParams.slice(0, pages.length) };
  });
}

export function changedPages(pages: ListAnswer[], event: LiveEvent): ListAnswer[] {
  switch (event.event) {
    case 'list':
      return renew(pages, parseJson<ListAnswer>(event.data));
    case 'execution':
      return upsert(pages, parseJson<ListEntry>(event.data));
    case 'gone':
      return remove(pages, parseJson<Mark>(event.data));
    default:
      return pages;
  }
}

export const nodeQuery = (mark: Mark, nodeName: string) =>
  queryOptions({
    queryKey: ['node', mark, nodeName],
    queryFn: ({ signal }) =>
      request<NodeAnswer>(apiUrl(`${executionPath(mark)}/nodes/${encodeURIComponent(nodeName)}`, { limit: 1 }), {
        signal,
      }),
  });

export interface LogFilter {
  node: string;
  run: string;
  level: string;
  text: string;
}

export const logsQuery = (mark: Mark, filter: LogFilter) =>
  infiniteQueryOptions({
    queryKey: ['logs', mark, filter],
    queryFn: ({ signal, pageParam }) => {
      const params: Params = { minLevel: filter.level, cursor: pageParam, limit: pageParam ? 1000 : 200 };
      // Logs of one run are known to its node only; there is no search among them.
      const ofRun = filter.node && filter.run;
      const place = ofRun ? `/nodes/${encodeURIComponent(filter.node)}` : '/logs';
      if (ofRun) params.run = filter.run;
      else Object.assign(params, { nodeName: filter.node, q: filter.text });
      return request<LogsAnswer>(apiUrl(`${executionPath(mark)}${place}`, params), { signal });
    },
    initialPageParam: '',
    getNextPageParam: (last: LogsAnswer) => last.nextCursor,
  });

export type { LogLine };

export interface SceneEntry {
  sceneId: string;
  linkName: string | null;
  description: string | null;
  definitionVersion: string | null;
  versions: number;
  nodes: number | null;
  lastStartTime: string | null;
}

const SCENES_MS = 5000;

export const scenesQuery = () =>
  infiniteQueryOptions({
    queryKey: ['scenes'],
    queryFn: ({ signal, pageParam }) =>
      request<{ scenes: SceneEntry[]; nextCursor: string | null }>(
        apiUrl('scenes', { limit: 200, cursor: pageParam }),
        {
          signal,
        },
      ),
    initialPageParam: '',
    getNextPageParam: (last: { nextCursor: string | null }) => last.nextCursor,
    // Nothing tells of a new scene: whoever looks at the list waits for it a moment.
    refetchInterval: ({ state }) => (state.error ? again(state.error) : SCENES_MS),
  });

export interface RunFigures {
  total: number;
  failed: number;
  /** Failed runs out of those that have ended; null: none has. */
  errorRate: number | null;
  p50Micros: number | null;
  p95Micros: number | null;
  maxMicros: number | null;
}

export interface HistoryAnswer {
  sceneId: string;
  nodeName: string;
  executions: number;
  complete: boolean;
  runs: RunFigures;
  states: Partial<Record<NodeState, number>>;
  entries: {
    businessId: string;
    executionId: string;
    startTime: string | null;
    status: string;
    state: NodeState;
    runs: number;
    runStatus: string | null;
    durationMicros: number | null;
    /** Of a decision the case it took, or several. */
    cases?: string[];
  }[];
}

/** How often figures that are looked at are asked for again: whole executions are read for them. */
const FIGURES_MS = 30_000;
/** Executions looked at for a history and for the figures of a scene: the same, so that they agree. */
const LOOKED_AT = 500;

/** A node over the executions of its scene that started within times; `limit` of them at most, the newest. */
export const historyQuery = (sceneId: string, nodeName: string, times: Params = {}, limit = LOOKED_AT) =>
  queryOptions({
    queryKey: ['history', sceneId, nodeName, times, limit],
    queryFn: ({ signal }) =>
      request<HistoryAnswer>(
        apiUrl(`${scenePath(sceneId)}/nodes/${encodeURIComponent(nodeName)}/history`, { ...times, limit }),
        { signal },
      ),
    staleTime: 5000,
  });

export interface StatisticsAnswer {
  sceneId: string;
  from: string | null;
  to: string | null;
  executions: number;
  complete: boolean;
  statuses: Record<string, number>;
  durations: { p50Micros: number | null; p95Micros: number | null; maxMicros: number | null };
  nodes: { nodeName: string; executions: number; states: Partial<Record<NodeState, number>>; runs: RunFigures }[];
  edges: {
    from: string;
    /** null: the link ends with this case, which has no nodes. */
    to: string | null;
    label: string | null;
    taken: number;
    notTaken: number;
    open: number;
    share: number | null;
  }[];
}

export const statisticsQuery = (sceneId: string, times: Params) =>
  queryOptions({
    queryKey: ['statistics', sceneId, times],
    queryFn: ({ signal }) =>
      request<StatisticsAnswer>(apiUrl(`${scenePath(sceneId)}/statistics`, { ...times, limit: LOOKED_AT }), { signal }),
    staleTime: 5000,
    refetchInterval: ({ state }) => (state.error ? again(state.error) : FIGURES_MS),
  });

export type Match =
  | { kind: 'business'; businessId: string; executions: ListEntry[]; more: boolean }
  | { kind: 'execution'; as: 'linkMark' | 'rowKey' | 'executionId'; execution: ListEntry }
  | { kind: 'trace'; traceId: string; executions: ListEntry[]; unlinked: boolean }
  | { kind: 'scene'; sceneId: string }
  | { kind: 'deadLetter'; id: string };

export interface ResolveAnswer {
  query: string;
  found: Match[];
  searched: { executions: number; complete: boolean } | null;
}

/** What a text is the id of; `search`: so many executions are looked through when it is nothing else. */
export const resolveQuery = (text: string, search?: number) =>
  queryOptions({
    queryKey: ['resolve', text, search],
    queryFn: ({ signal }) => request<ResolveAnswer>(apiUrl('resolve', { q: text, search }), { signal }),
  });

/** As many executions as a server looks through: what it does unasked is soon done, this may take a second. */
const SEARCH_ALL = 100_000;

/** What a text is the id of: soon when it is filed somewhere, else once many executions were looked through. */
export function useResolved(text: string, enabled: boolean) {
  const soon = useQuery({ ...resolveQuery(text), enabled, retry });
  const nothing = soon.data?.found.length === 0 && soon.data.searched?.complete === false;
  const late = useQuery({ ...resolveQuery(text, SEARCH_ALL), enabled: enabled && nothing, retry });
  return { query: nothing && !late.isPending ? late : soon, searching: nothing && late.isPending };
}

/** Which parts the server has: the page shows no way to what is not there. */
export type Feature = 'scenes' | 'unlinked' | 'dead' | 'resolve' | 'statistics' | 'history' | 'reports';

const FEATURE_PATHS: Record<Feature, string> = {
  scenes: '/api/v1/scenes',
  unlinked: '/api/v1/unlinked',
  dead: '/api/v1/dead',
  resolve: '/api/v1/resolve',
  statistics: '/api/v1/scenes/{sceneId}/statistics',
  history: '/api/v1/scenes/{sceneId}/nodes/{nodeName}/history',
  reports: '/api/v1/reports',
};

const PROBES: [Feature, string][] = [
  ['scenes', 'scenes'],
  ['unlinked', 'unlinked'],
  ['dead', 'dead'],
  ['resolve', 'resolve?q=-'],
];

async function features(): Promise<ReadonlySet<Feature>> {
  try {
    const document = await request<{ paths?: Record<string, unknown> }>(apiUrl('openapi.json'));
    const paths = new Set(Object.keys(document.paths ?? {}));
    return new Set((Object.keys(FEATURE_PATHS) as Feature[]).filter((name) => paths.has(FEATURE_PATHS[name])));
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 404) throw error;
  }
  // An older server, which does not describe itself: each part is asked for once.
  const found = await Promise.all(
    PROBES.map(([feature, path]) =>
      request(apiUrl(path)).then(
        () => feature,
        (error) => (error instanceof ApiError && error.status === 404 ? null : feature),
      ),
    ),
  );
  return new Set(found.filter((feature) => feature !== null));
}

export function useFeatures(): (feature: Feature) => boolean {
  const { data } = useQuery({ queryKey: ['features'], queryFn: features, staleTime: Infinity, retry });
  return useCallback((feature) => data?.has(feature) ?? false, [data]);
}

export type { LiveState };
