/** Answers of the HTTP API, as docs/api.md describes them. Times are RFC 3339 in UTC with six fraction digits. */

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export const EXECUTION_STATUSES = ['running', 'completed', 'failed', 'stalled'] as const;
export type ExecutionStatus = (typeof EXECUTION_STATUSES)[number];

export const NODE_STATES = [
  'completed',
  'failed',
  'running',
  'stalled',
  'missing',
  'not_reached',
  'not_taken',
  'expired',
  'unplanned',
] as const;
export type NodeState = (typeof NODE_STATES)[number];

export type EdgeState = 'taken' | 'not_taken' | 'open';

/** The three ids that name an execution. */
export interface Mark {
  businessId: string;
  sceneId: string;
  executionId: string;
}

export interface ListEntry extends Mark {
  status: ExecutionStatus;
  startTime: string | null;
  endTime: string | null;
  durationMicros: number | null;
  nodeCounts: Partial<Record<NodeState, number>>;
  errorCount: number;
  meta: Record<string, string>;
}

export interface ListAnswer {
  executions: ListEntry[];
  nextCursor: string | null;
}

export interface Run {
  runId: string;
  status: 'RUNNING' | 'COMPLETED' | 'FAILED' | 'SKIPPED';
  startTime: string | null;
  endTime: string | null;
  durationMicros: number | null;
  input: Json;
  output: Json;
  case: string | null;
  service: string | null;
  instance: string | null;
  host?: string;
  iteration?: number;
  subExecutionId?: string;
  exception?: Json;
  inputCutFrom?: number;
  outputCutFrom?: number;
  exceptionCutFrom?: number;
  timeSubstituted?: boolean;
  shared?: boolean;
}

export interface PanoramaNode {
  nodeName: string;
  nodeType: string | null;
  state: NodeState;
  runs: Run[];
  logCounts: Record<string, number>;
  notTakenBecause: string | null;
  title?: string;
  case?: string;
  caseInferred?: boolean;
  rounds?: number;
  sub?: { sceneId: string; executionId: string };
  minor?: boolean;
  optional?: boolean;
}

export interface PanoramaEdge {
  from: string;
  to: string;
  label: string | null;
  state: EdgeState;
}

export interface Finding {
  kind: string;
  nodeName: string | null;
  message: string;
}

export interface Execution extends Mark {
  status: ExecutionStatus;
  partial: boolean;
  startTime: string | null;
  endTime: string | null;
  durationMicros: number | null;
  definitionVersion: string | null;
  meta: Record<string, string>;
  traceIds: string[];
  services: string[];
  nodes: PanoramaNode[];
  edges: PanoramaEdge[];
  findings: Finding[];
  logs: { total: number; withoutNode: number };
  counts: { reports: number; logs: number; truncated: number; errors: number };
  lastReportTime?: string;
  stallsAt?: string;
  clipped?: boolean;
}

export interface LogLine {
  time: string | null;
  level: string | null;
  message: string | null;
  data: Json;
  exception: Json;
  service: string | null;
  instance: string | null;
  traceId: string | null;
  nodeName?: string;
  attributes?: Json;
  dataCutFrom?: number;
  exceptionCutFrom?: number;
  timeSubstituted?: boolean;
  shared?: boolean;
}

export interface LogsAnswer {
  logs: LogLine[];
  nextCursor: string | null;
}

export interface NodeAnswer extends LogsAnswer {
  nodeName: string;
  state: NodeState;
  runs: Run[];
}

/** A node of a definition, in the object notation of docs/dsl.md. */
export interface DefinitionNode {
  nodeName: string;
  nodeType: string;
  title?: string;
  description?: string;
  service?: string;
  slowAfterMs?: number;
  optional?: boolean;
  minor?: boolean;
  dynamic?: boolean;
  forkNodes?: DefinitionNode[][];
  joinOnList?: string[];
  decisionCases?: Record<string, DefinitionNode[]>;
  defaultCase?: DefinitionNode[];
  loopNodes?: DefinitionNode[];
  subScene?: string;
}

export interface Definition {
  sceneId?: string;
  linkName?: string;
  description?: string;
  version?: string | number;
  nodes: DefinitionNode[];
  variants?: { when: Record<string, string>; nodes: DefinitionNode[] }[];
}
