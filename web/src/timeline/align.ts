/**
 * How far clocks of other machines seem to be behind: as much as is needed for no node to begin before a node on
 * another machine that comes before it ended. A guess from what was reported, and only about nodes the server suspects.
 */
import type { Execution, PanoramaNode, Run } from '../api/types';
import { microsOrNull } from '../lib/time';

/** Where a run was, as the server tells machines apart: its host, else its instance. */
export function placeOf(run: Run): string | null {
  return run.host ?? run.instance;
}

interface Span {
  place: string;
  start: number;
  end: number | null;
}

/** When and where a node ran first; null where that is not known. */
function spanOf(node: PanoramaNode | undefined): Span | null {
  const first = node?.runs[0];
  const place = first && placeOf(first);
  if (!node || !place) return null;
  const starts = node.runs.map((run) => microsOrNull(run.startTime)).filter((us) => us !== null);
  const ends = node.runs.map((run) => microsOrNull(run.endTime)).filter((us) => us !== null);
  if (starts.length === 0) return null;
  return { place, start: Math.min(...starts), end: ends.length ? Math.min(...ends) : null };
}

const VISITS_MAX = 64;

/** Place to the microseconds its times are to be moved later by; places that are right have none. */
export function clockOffsets(execution: Execution): Map<string, number> {
  const offsets = new Map<string, number>();
  const suspected = new Set(
    execution.findings.filter((one) => one.kind === 'clock_skew_suspected').map((one) => one.nodeName),
  );
  if (suspected.size === 0) return offsets;
  const order = new Map(execution.nodes.map((node, at) => [node.nodeName, at]));
  const before = new Map<string, string[]>();
  for (const { from, to, state } of execution.edges) {
    // Ways back into a loop say nothing about which came first.
    if (state === 'not_taken' || (order.get(from) ?? 0) >= (order.get(to) ?? 0)) continue;
    before.set(to, [...(before.get(to) ?? []), from]);
  }
  /** The nearest nodes before one that ran; those that do not report are looked past. */
  const ranBefore = (name: string): Span[] => {
    const found: Span[] = [];
    const seen = new Set<string>();
    const stack = [...(before.get(name) ?? [])];
    while (stack.length && seen.size < VISITS_MAX) {
      const next = stack.pop() as string;
      if (seen.has(next)) continue;
      seen.add(next);
      const node = execution.nodes[order.get(next) ?? -1];
      const span = spanOf(node);
      if (span) found.push(span);
      else if (node?.runs.length === 0) stack.push(...(before.get(next) ?? []));
    }
    return found;
  };
  for (const node of execution.nodes) {
    const here = suspected.has(node.nodeName) ? spanOf(node) : null;
    if (!here) continue;
    for (const there of ranBefore(node.nodeName)) {
      if (there.end === null || there.place === here.place) continue;
      const moved = here.start + (offsets.get(here.place) ?? 0);
      const late = there.end + (offsets.get(there.place) ?? 0) - moved;
      if (late > 0) offsets.set(here.place, (offsets.get(here.place) ?? 0) + late);
    }
  }
  return offsets;
}
