/** An execution as it was at a moment: told from its runs alone, so that it needs no further answer. */
import type { EdgeState, Execution, NodeState, PanoramaNode, Run } from '../api/types';
import { microsOrNull } from '../lib/time';

/** The moments at which something changed, in order, each once. Microseconds since the epoch. */
export function moments(execution: Execution): number[] {
  const found = new Set<number>();
  for (const node of execution.nodes) {
    for (const run of node.runs) {
      for (const time of [run.startTime, run.endTime]) {
        const us = microsOrNull(time);
        if (us !== null) found.add(us);
      }
    }
  }
  return [...found].sort((left, right) => left - right);
}

export interface Snapshot {
  states: Map<string, NodeState>;
  edges: EdgeState[];
}

const beginOf = (run: Run) => microsOrNull(run.startTime) ?? microsOrNull(run.endTime);
const endOf = (run: Run) => microsOrNull(run.endTime);

/**
 * States of all nodes and edges at `at`.
 *
 * A node that was not taken is shown so from when the last node before it was through; one that is missing from when
 * something behind it began. Nodes and edges that cannot be dated keep the state they have in the end.
 */
export function snapshotAt(execution: Execution, at: number): Snapshot {
  const begins = new Map<string, number>();
  const ends = new Map<string, number>();
  for (const node of execution.nodes) {
    for (const run of node.runs) {
      const begin = beginOf(run);
      const end = endOf(run);
      if (begin !== null) begins.set(node.nodeName, Math.min(begins.get(node.nodeName) ?? Infinity, begin));
      if (end !== null) ends.set(node.nodeName, Math.max(ends.get(node.nodeName) ?? -Infinity, end));
    }
  }
  const before = new Map<string, string[]>();
  const after = new Map<string, string[]>();
  for (const edge of execution.edges) {
    push(before, edge.to, edge.from);
    push(after, edge.from, edge.to);
  }
  const passed = settle(execution, before, ends);
  const behind = nextBegin(execution, after, begins);

  const states = new Map<string, NodeState>();
  for (const node of execution.nodes) states.set(node.nodeName, stateAt(node, at, passed, behind));
  const isOn = (name: string) => {
    const state = states.get(name);
    return state !== undefined && state !== 'not_reached' && state !== 'not_taken';
  };
  const edges = execution.edges.map((edge): EdgeState => {
    if (edge.state === 'taken') return isOn(edge.from) && isOn(edge.to) ? 'taken' : 'open';
    if (edge.state === 'not_taken') return (passed.get(edge.from) ?? Infinity) <= at ? 'not_taken' : 'open';
    return edge.state;
  });
  return { states, edges };
}

function push(map: Map<string, string[]>, key: string, value: string): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}

/** When the flow was through each node: its last end, for what does not report that of all before it. */
function settle(execution: Execution, before: Map<string, string[]>, ends: Map<string, number>): Map<string, number> {
  const passed = new Map<string, number>();
  for (const node of execution.nodes) {
    const own = ends.get(node.nodeName);
    if (own !== undefined) {
      passed.set(node.nodeName, own);
      continue;
    }
    let latest: number | undefined;
    for (const name of before.get(node.nodeName) ?? []) {
      const time = passed.get(name);
      if (time !== undefined) latest = Math.max(latest ?? -Infinity, time);
    }
    if (latest !== undefined) passed.set(node.nodeName, latest);
  }
  return passed;
}

/** When the first node behind each one began, looking through nodes that never reported. */
function nextBegin(
  execution: Execution,
  after: Map<string, string[]>,
  begins: Map<string, number>,
): Map<string, number> {
  const found = new Map<string, number>();
  for (const node of [...execution.nodes].reverse()) {
    let first: number | undefined;
    for (const name of after.get(node.nodeName) ?? []) {
      const time = begins.get(name) ?? found.get(name);
      if (time !== undefined) first = Math.min(first ?? Infinity, time);
    }
    if (first !== undefined) found.set(node.nodeName, first);
  }
  return found;
}

function stateAt(node: PanoramaNode, at: number, passed: Map<string, number>, behind: Map<string, number>): NodeState {
  let latest: { begin: number; run: Run } | null = null;
  let dated = false;
  for (const run of node.runs) {
    const begin = beginOf(run);
    if (begin === null) continue;
    dated = true;
    if (begin <= at && (!latest || begin >= latest.begin)) latest = { begin, run };
  }
  if (latest) {
    const end = endOf(latest.run);
    if (end === null || end > at) return node.state === 'stalled' && end === null ? 'stalled' : 'running';
    return latest.run.status === 'FAILED' ? 'failed' : node.state === 'unplanned' ? 'unplanned' : 'completed';
  }
  if (dated) return 'not_reached';
  if (node.runs.length > 0) return node.state;
  switch (node.state) {
    case 'missing':
    case 'expired':
      return (behind.get(node.nodeName) ?? Infinity) <= at ? node.state : 'not_reached';
    case 'not_taken':
    case 'completed':
    case 'failed':
      return (passed.get(node.nodeName) ?? -Infinity) <= at ? node.state : 'not_reached';
    case 'running':
    case 'stalled':
      return 'not_reached';
    default:
      return node.state;
  }
}
