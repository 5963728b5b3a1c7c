/** Executions made up for tests. */
import type { EdgeState, Execution, ListEntry, NodeState, PanoramaNode, Run } from '../api/types';

export function run(change: Partial<Run> = {}): Run {
  return {
    runId: '#1',
    status: 'COMPLETED',
    startTime: '2026-11-22T10:00:00.000000Z',
    endTime: '2026-11-22T10:00:01.000000Z',
    durationMicros: 1_000_000,
    input: null,
    output: null,
    case: null,
    service: null,
    instance: null,
    ...change,
  };
}

export function node(
  nodeName: string,
  state: NodeState = 'completed',
  runs: Run[] = [],
  nodeType: string | null = 'rpc',
): PanoramaNode {
  return { nodeName, nodeType, state, runs, logCounts: {}, notTakenBecause: null };
}

export function execution(
  change: Partial<Omit<Execution, 'edges'>> & { edges?: [string, string, EdgeState?, string?][] } = {},
): Execution {
  const { edges = [], ...rest } = change;
  return {
    businessId: 'b',
    sceneId: 's',
    executionId: 'e',
    status: 'completed',
    partial: false,
    startTime: '2026-11-22T10:00:00.000000Z',
    endTime: '2026-11-22T10:00:01.000000Z',
    durationMicros: 1_000_000,
    definitionVersion: null,
    meta: {},
    traceIds: [],
    services: [],
    nodes: [],
    findings: [],
    logs: { total: 0, withoutNode: 0 },
    counts: { reports: 0, logs: 0, truncated: 0, errors: 0 },
    ...rest,
    edges: edges.map(([from, to, state = 'taken', label]) => ({ from, to, state, label: label ?? null })),
  };
}

export function entry(change: Partial<ListEntry> = {}): ListEntry {
  return {
    businessId: 'b',
    sceneId: 's',
    executionId: 'e',
    status: 'completed',
    startTime: '2026-11-22T10:00:00.000000Z',
    endTime: null,
    durationMicros: null,
    nodeCounts: {},
    errorCount: 0,
    meta: {},
    ...change,
  };
}
