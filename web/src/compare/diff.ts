/** Two executions of a scene beside one another: what differs, node by node. */
import type { Execution, Json, PanoramaEdge, PanoramaNode, Run } from '../api/types';

export type Difference =
  | { kind: 'only_left' | 'only_right' }
  | { kind: 'state'; left: string; right: string }
  | { kind: 'case'; left: string; right: string }
  | { kind: 'duration'; left: number; right: number }
  | { kind: 'runs'; left: number; right: number }
  | { kind: 'input' | 'output'; changes: number };

export interface NodeDiff {
  name: string;
  left: PanoramaNode | null;
  right: PanoramaNode | null;
  differences: Difference[];
}

/** A duration differs when one is at least twice the other, and by more than ten milliseconds. */
const DURATION_FACTOR = 2;
const DURATION_LEAST = 10_000;

/** The latest run by start, else by end. */
export function latestRun(node: PanoramaNode | null | undefined): Run | null {
  let latest: Run | null = null;
  for (const run of node?.runs ?? []) {
    const [mine, best] = [run.startTime ?? run.endTime ?? '', latest ? (latest.startTime ?? latest.endTime ?? '') : ''];
    if (!latest || mine >= best) latest = run;
  }
  return latest;
}

/** Nodes of both, in the order of the left one; those only the right one has stand behind the node before them. */
export function mergedOrder(left: string[], right: string[]): string[] {
  const known = new Set(left);
  const order = [...left];
  let previous: string | null = null;
  for (const name of right) {
    if (!known.has(name)) {
      order.splice(previous === null ? 0 : order.indexOf(previous) + 1, 0, name);
      known.add(name);
    }
    previous = name;
  }
  return order;
}

export function diffExecutions(left: Execution, right: Execution): NodeDiff[] {
  const [lefts, rights] = [left, right].map((one) => new Map(one.nodes.map((node) => [node.nodeName, node])));
  const order = mergedOrder(
    left.nodes.map((node) => node.nodeName),
    right.nodes.map((node) => node.nodeName),
  );
  return order.map((name) => {
    const [one, two] = [lefts?.get(name) ?? null, rights?.get(name) ?? null];
    return { name, left: one, right: two, differences: diffNodes(one, two) };
  });
}

function diffNodes(left: PanoramaNode | null, right: PanoramaNode | null): Difference[] {
  if (!left) return [{ kind: 'only_right' }];
  if (!right) return [{ kind: 'only_left' }];
  const found: Difference[] = [];
  if (left.state !== right.state) found.push({ kind: 'state', left: left.state, right: right.state });
  if ((left.case ?? '') !== (right.case ?? '')) {
    found.push({ kind: 'case', left: left.case ?? '–', right: right.case ?? '–' });
  }
  if (left.runs.length !== right.runs.length && left.runs.length && right.runs.length) {
    found.push({ kind: 'runs', left: left.runs.length, right: right.runs.length });
  }
  const [one, two] = [latestRun(left), latestRun(right)];
  if (!one || !two) return found;
  if (one.durationMicros !== null && two.durationMicros !== null) {
    const [short, long] = [one.durationMicros, two.durationMicros].sort((a, b) => a - b) as [number, number];
    if (long - short > DURATION_LEAST && long >= short * DURATION_FACTOR) {
      found.push({ kind: 'duration', left: one.durationMicros, right: two.durationMicros });
    }
  }
  for (const side of ['input', 'output'] as const) {
    const changes = diffJson(one[side], two[side]).length;
    if (changes) found.push({ kind: side, changes });
  }
  return found;
}

export interface JsonChange {
  path: string;
  left: Json | undefined;
  right: Json | undefined;
}

const CHANGES_MAX = 500;

/** Where two values differ, by path, without recursion: reported JSON may be nested as deep as it likes. */
export function diffJson(left: Json, right: Json): JsonChange[] {
  const found: JsonChange[] = [];
  const stack: [string, Json | undefined, Json | undefined][] = [['$', left, right]];
  while (stack.length && found.length < CHANGES_MAX) {
    const [path, one, two] = stack.pop() as [string, Json | undefined, Json | undefined];
    if (one === two) continue;
    if (isBranch(one) && isBranch(two) && Array.isArray(one) === Array.isArray(two)) {
      const keys = [...new Set([...Object.keys(one), ...Object.keys(two)])];
      for (const key of keys.reverse()) {
        const at = Array.isArray(one)
          ? `${path}[${key}]`
          : /^[\w$]+$/.test(key)
            ? `${path}.${key}`
            : `${path}[${JSON.stringify(key)}]`;
        stack.push([at, own(one, key), own(two, key)]);
      }
      continue;
    }
    found.push({ path, left: one, right: two });
  }
  return found;
}

function isBranch(value: Json | undefined): value is Json[] | { [key: string]: Json } {
  return typeof value === 'object' && value !== null;
}

function own(value: Json[] | { [key: string]: Json }, key: string): Json | undefined {
  return Object.hasOwn(value, key) ? (value as { [key: string]: Json })[key] : undefined;
}

/** Both plans on one panorama: every edge of either, as taken if it was in any. */
export function mergedEdges(
  left: PanoramaEdge[],
  right: PanoramaEdge[],
): (PanoramaEdge & { sides: 'both' | 'left' | 'right' | 'none' })[] {
  const key = (edge: PanoramaEdge) => JSON.stringify([edge.from, edge.to, edge.label]);
  const rights = new Map(right.map((edge) => [key(edge), edge]));
  const seen = new Set<string>();
  const merged = left.map((edge) => {
    seen.add(key(edge));
    return merge(edge, rights.get(key(edge)));
  });
  for (const edge of right) if (!seen.has(key(edge))) merged.push(merge(undefined, edge));
  return merged;
}

function merge(left: PanoramaEdge | undefined, right: PanoramaEdge | undefined) {
  const [one, two] = [left?.state === 'taken', right?.state === 'taken'];
  const base = (left ?? right) as PanoramaEdge;
  const sides = one && two ? 'both' : one ? 'left' : two ? 'right' : 'none';
  return { ...base, state: one || two ? ('taken' as const) : base.state, sides } as const;
}
