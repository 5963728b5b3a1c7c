/** An execution as one JSON file, and back: the page shows such a file without any server. */
import { apiUrl, executionPath, request } from '../api/client';
import { jsonText, parseJson } from '../api/json';
import type { Definition, Execution, LogLine, LogsAnswer } from '../api/types';

export interface ExecutionFile {
  format: 'linkloom-execution';
  formatVersion: 1;
  execution: Execution;
  definition: Definition | null;
  logs: LogLine[];
  /** Logs there are beyond those in the file. */
  logsLeftOut: number;
}

const LOGS_MAX = 200_000;
const PAGE = 5000;

export async function exportExecution(
  execution: Execution,
  definition: Definition | undefined,
  known: LogLine[] | null,
): Promise<void> {
  const logs = known ?? (await allLogs(execution));
  const file: ExecutionFile = {
    format: 'linkloom-execution',
    formatVersion: 1,
    execution,
    definition: definition ?? null,
    logs,
    logsLeftOut: Math.max(0, execution.logs.total - logs.length),
  };
  const url = URL.createObjectURL(new Blob([jsonText(file)], { type: 'application/json' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = `${fileName(execution)}.json`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

export function fileName(execution: Execution): string {
  const safe = (text: string) => text.replace(/[^\w.-]+/g, '-').slice(0, 60);
  return [execution.businessId, execution.sceneId, execution.executionId].map(safe).join('_');
}

async function allLogs(execution: Execution): Promise<LogLine[]> {
  const logs: LogLine[] = [];
  let cursor: string | null = '';
  while (cursor !== null && logs.length < LOGS_MAX) {
    const page: LogsAnswer = await request(apiUrl(`${executionPath(execution)}/logs`, { limit: PAGE, cursor }));
    logs.push(...page.logs);
    cursor = page.nextCursor;
  }
  return logs;
}

/** Reads such a file; throws an `Error` whose message says what is wrong with it. */
export function readExecutionFile(text: string): ExecutionFile {
  let value: unknown;
  try {
    value = parseJson<unknown>(text);
  } catch (error) {
    throw new Error(error instanceof Error ? error.message : 'not JSON');
  }
  if (!isObject(value)) throw new Error('not an object');
  const execution = value.format === 'linkloom-execution' ? value.execution : value;
  if (value.format !== undefined && value.formatVersion !== 1) throw new Error('formatVersion is not 1');
  const lists = ['nodes', 'edges', 'findings', 'traceIds', 'services'];
  const ids = ['businessId', 'sceneId', 'executionId', 'status'];
  if (!isObject(execution)) throw new Error('execution is missing');
  for (const name of ids) if (typeof execution[name] !== 'string') throw new Error(`${name} is not a text`);
  for (const name of lists) if (!Array.isArray(execution[name])) throw new Error(`${name} is not a list`);
  for (const name of ['meta', 'logs', 'counts']) if (!isObject(execution[name])) throw new Error(`${name} is missing`);
  for (const [at, node] of (execution.nodes as unknown[]).entries()) {
    if (
      !isObject(node) ||
      typeof node.nodeName !== 'string' ||
      !Array.isArray(node.runs) ||
      !isObject(node.logCounts)
    ) {
      throw new Error(`nodes[${at}] is no node`);
    }
  }
  const definition = isObject(value.definition) && Array.isArray(value.definition.nodes) ? value.definition : null;
  return {
    format: 'linkloom-execution',
    formatVersion: 1,
    execution: execution as unknown as Execution,
    definition: definition as Definition | null,
    logs: Array.isArray(value.logs) ? (value.logs as LogLine[]) : [],
    logsLeftOut: typeof value.logsLeftOut === 'number' ? value.logsLeftOut : 0,
  };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
