/**
 * Every state of the page as an address and back, purely.
 *
 * Ids stand in the query and never in the path: an id may be `.` or hold slashes, and browsers rewrite paths.
 */
import { EXECUTION_STATUSES, type ExecutionStatus, type Mark } from '../api/types';

export const VIEWS = ['panorama', 'timeline', 'logs'] as const;
export type View = (typeof VIEWS)[number];

export const TABS = ['summary', 'input', 'output', 'logs', 'history', 'definition', 'raw'] as const;
export type Tab = (typeof TABS)[number];

export interface ListFilters {
  scene: string;
  status: ExecutionStatus | '';
  /** RFC 3339, or a span back from now such as `15m`, `1h`, `7d`. */
  from: string;
  to: string;
  /** Text in ids. */
  text: string;
  /** `key=value` pairs of meta. */
  meta: string[];
}

export interface ExecutionState {
  mark: Mark;
  view: View;
  node: string;
  tab: Tab;
  run: string;
  /** Log filters, and the log line that is open (its place in the stream). */
  level: string;
  text: string;
  onlyNode: boolean;
  line: number | null;
  /** Replay: microseconds since the epoch. */
  at: number | null;
  /** Folded blocks. */
  fold: string[];
  minor: boolean;
  down: boolean;
  /** The timeline moves clocks that seem to be behind. */
  align: boolean;
}

export type Route =
  | { page: 'home'; id: string; filters: ListFilters }
  | ({ page: 'execution' } & ExecutionState)
  | { page: 'compare'; left: Mark | null; right: Mark | null; node: string }
  | { page: 'scenes' }
  | ({ page: 'scene' } & SceneState)
  | { page: 'unlinked'; service: string; trace: string }
  | { page: 'dead'; source: string; reason: string; id: string }
  | { page: 'file' }
  | { page: 'unknown'; path: string };

/** What is laid over the plan of a scene. */
export const OVERLAYS = ['runs', 'errors', 'p95'] as const;
export type Overlay = (typeof OVERLAYS)[number];

export interface SceneState {
  sceneId: string;
  tab: SceneTab;
  filters: ListFilters;
  version: string;
  other: string;
  /** Which variant of the plan, by its place; null: the plan itself. */
  variant: number | null;
  node: string;
  overlay: Overlay | '';
  /** The way out of `node` that is chosen, by its label. */
  branch: string;
}

export const SCENE_TABS = ['executions', 'graph', 'text', 'versions', 'upload'] as const;
export type SceneTab = (typeof SCENE_TABS)[number];

export const NO_FILTERS: ListFilters = { scene: '', status: '', from: '', to: '', text: '', meta: [] };

/** What stays when another page is opened: embed mode. */
export interface Frame {
  embed: boolean;
}

function oneOf<T extends string>(value: string | null, allowed: readonly T[], fallback: T): T {
  return allowed.includes(value as T) ? (value as T) : fallback;
}

function filtersOf(query: URLSearchParams): ListFilters {
  return {
    scene: query.get('scene') ?? '',
    status: oneOf<ExecutionStatus | ''>(query.get('status'), EXECUTION_STATUSES, ''),
    from: query.get('from') ?? '',
    to: query.get('to') ?? '',
    text: query.get('text') ?? '',
    meta: query.getAll('meta').filter((pair) => pair.includes('=')),
  };
}

function markOf(query: URLSearchParams, suffix = ''): Mark | null {
  const businessId = query.get(`b${suffix}`);
  const sceneId = query.get(`s${suffix}`);
  const executionId = query.get(`e${suffix}`);
  return businessId && sceneId && executionId ? { businessId, sceneId, executionId } : null;
}

function numberOf(value: string | null): number | null {
  return value !== null && /^\d{1,17}$/.test(value) ? Number(value) : null;
}

export function initialExecution(mark: Mark): ExecutionState {
  return {
    mark,
    view: 'panorama',
    node: '',
    tab: 'summary',
    run: '',
    level: '',
    text: '',
    onlyNode: false,
    line: null,
    at: null,
    fold: [],
    minor: false,
    down: false,
    align: false,
  };
}

export function initialScene(sceneId: string): SceneState {
  return {
    sceneId,
    tab: 'executions',
    filters: NO_FILTERS,
    version: '',
    other: '',
    variant: null,
    node: '',
    overlay: '',
    branch: '',
  };
}

export function parseRoute(path: string, search: string): Route {
  const query = new URLSearchParams(search);
  const text = (key: string) => query.get(key) ?? '';
  switch (path) {
    case '':
      return { page: 'home', id: text('id'), filters: filtersOf(query) };
    case 'execution': {
      const mark = markOf(query);
      if (!mark) return { page: 'unknown', path };
      return {
        page: 'execution',
        mark,
        view: oneOf(query.get('view'), VIEWS, 'panorama'),
        node: text('node'),
        tab: oneOf(query.get('tab'), TABS, 'summary'),
        run: text('run'),
        level: text('level'),
        text: text('text'),
        onlyNode: query.has('only'),
        line: numberOf(query.get('line')),
        at: numberOf(query.get('at')),
        fold: query.getAll('fold'),
        minor: query.has('minor'),
        down: query.has('down'),
        align: query.has('align'),
      };
    }
    case 'compare':
      return { page: 'compare', left: markOf(query, '1'), right: markOf(query, '2'), node: text('node') };
    case 'scenes':
      return { page: 'scenes' };
    case 'scene': {
      const sceneId = text('s');
      if (!sceneId) return { page: 'unknown', path };
      return {
        page: 'scene',
        sceneId,
        tab: oneOf(query.get('tab'), SCENE_TABS, 'executions'),
        filters: filtersOf(query),
        version: text('version'),
        other: text('other'),
        variant: numberOf(query.get('variant')),
        node: text('node'),
        overlay: oneOf<Overlay | ''>(query.get('overlay'), OVERLAYS, ''),
        branch: text('branch'),
      };
    }
    case 'unlinked':
      return { page: 'unlinked', service: text('service'), trace: text('trace') };
    case 'dead':
      return { page: 'dead', source: text('source'), reason: text('reason'), id: text('id') };
    case 'file':
      return { page: 'file' };
    default:
      return { page: 'unknown', path };
  }
}

/** The relative address of a route; what is at its default is left out. */
export function routeUrl(route: Route, frame: Frame = { embed: false }): string {
  const query = new URLSearchParams();
  const put = (key: string, value: string | number | null | undefined, fallback: string | number | null = '') => {
    if (value !== null && value !== undefined && value !== fallback) query.append(key, String(value));
  };
  const flag = (key: string, value: boolean) => {
    if (value) query.append(key, '1');
  };
  const mark = (value: Mark | null, suffix = '') => {
    if (!value) return;
    put(`b${suffix}`, value.businessId);
    put(`s${suffix}`, value.sceneId);
    put(`e${suffix}`, value.executionId);
  };
  const filters = (value: ListFilters) => {
    put('scene', value.scene);
    put('status', value.status);
    put('from', value.from);
    put('to', value.to);
    put('text', value.text);
    for (const pair of value.meta) put('meta', pair);
  };
  let path = '';
  switch (route.page) {
    case 'home':
      put('id', route.id);
      filters(route.filters);
      break;
    case 'execution':
      path = 'execution';
      mark(route.mark);
      put('view', route.view, 'panorama');
      put('node', route.node);
      put('tab', route.tab, 'summary');
      put('run', route.run);
      put('level', route.level);
      put('text', route.text);
      flag('only', route.onlyNode);
      put('line', route.line, null);
      put('at', route.at, null);
      for (const name of route.fold) put('fold', name);
      flag('minor', route.minor);
      flag('down', route.down);
      flag('align', route.align);
      break;
    case 'compare':
      path = 'compare';
      mark(route.left, '1');
      mark(route.right, '2');
      put('node', route.node);
      break;
    case 'scene':
      path = 'scene';
      put('s', route.sceneId);
      put('tab', route.tab, 'executions');
      filters(route.filters);
      put('version', route.version);
      put('other', route.other);
      put('variant', route.variant, null);
      put('node', route.node);
      put('overlay', route.overlay);
      put('branch', route.branch);
      break;
    case 'unlinked':
      path = 'unlinked';
      put('service', route.service);
      put('trace', route.trace);
      break;
    case 'dead':
      path = 'dead';
      put('source', route.source);
      put('reason', route.reason);
      put('id', route.id);
      break;
    case 'scenes':
    case 'file':
      path = route.page;
      break;
    case 'unknown':
      path = route.path;
      break;
  }
  flag('embed', frame.embed);
  const text = query.toString();
  return `./${path}${text ? `?${text}` : ''}`;
}

/** `15m`, `1h`, `7d` back from now, or a time as it is; null: no limit. */
export function instant(text: string, nowMs: number): string | null {
  if (!text) return null;
  const span = /^(\d{1,5})([mhd])$/.exec(text);
  if (!span) return text;
  const size = { m: 60_000, h: 3_600_000, d: 86_400_000 }[span[2] as 'm' | 'h' | 'd'];
  return new Date(nowMs - Number(span[1]) * size).toISOString();
}
