/** Reports made up for the tests: what is meant to break a page, and what is large. */

type Report = Record<string, unknown>;

const START = Date.UTC(2026, 10, 20, 8);
const time = (ms: number) => new Date(START + ms).toISOString();
const lines = (reports: Report[]) => `${reports.map((report) => JSON.stringify({ v: 1, ...report })).join('\n')}\n`;

export const HOSTILE = {
  businessId: '<img src=x onerror="window.hacked=1">',
  sceneId: 'evil<script>window.hacked=1</script>',
  executionId: 'e\'"`$ 1',
};
export const HOSTILE_NODE = 'node</textarea><svg onload=window.hacked=1>\u202egnp.exe';

export function hostileReports(): string {
  const mark = HOSTILE;
  const deep = `${'{"k":['.repeat(45)}"bottom"${']}'.repeat(45)}`;
  const log = (at: number, message: string, more: Report = {}): Report => ({
    ...mark,
    type: 'log',
    nodeName: HOSTILE_NODE,
    time: time(at),
    level: 'INFO',
    message,
    ...more,
  });
  return lines([
    {
      ...mark,
      type: 'node',
      nodeName: HOSTILE_NODE,
      status: 'RUNNING',
      time: time(0),
      service: '<b>svc</b>',
      instance: 'javascript:alert(1)',
      input: { html: '<script>window.hacked=1</script>', big: 'x'.repeat(200_000), __proto__: 1, id: 1 },
      meta: { '<i>k</i>': '"><script>window.hacked=1</script>' },
    },
    log(10, '<script>window.hacked=1</script><img src=x onerror=window.hacked=1>'),
    log(20, '\u001b[31mred\u001b[0m \u0007 \u202eright to left\u202c'),
    log(30, `long ${'y'.repeat(240_000)} end`),
    log(40, 'javascript:window.hacked=1', { level: '<b>LOUD</b>', data: JSON.parse(deep) }),
    log(50, 'failed', {
      level: 'ERROR',
      exception: {
        type: '<u>Bad</u>',
        message: '<script>window.hacked=1</script>',
        stack: `<u>Bad</u>\n${'\tat a.b.C.d(E.java:1)\n'.repeat(2000)}Caused by: <script>window.hacked=1</script>`,
      },
    }),
    {
      ...mark,
      type: 'node',
      nodeName: HOSTILE_NODE,
      status: 'COMPLETED',
      service: '<b>svc</b>',
      instance: 'javascript:alert(1)',
      time: time(60),
      output: ['\u202e', '\u0000', JSON.parse(deep)],
    },
  ]).replace('"id":1}', '"id":9007199254740993}');
}

export const LARGE_NODES = { businessId: 'large-nodes', sceneId: 'large', executionId: 'n1' };
export const LARGE_LOGS = { businessId: 'large-logs', sceneId: 'large-logs', executionId: 'l1' };
export const LARGE_LIST = 'large-list';
export const LOGS = Number(process.env.LARGE_LOGS ?? 100_000);
export const LISTED = Number(process.env.LARGE_LISTED ?? 10_000);

/** A plan of 500 nodes that ran, an execution of 100,000 logs, a business id with 10,000 executions. */
export function largeReports(): { definition: object; reports: string } {
  const nodes: Report[] = [];
  const names: string[] = [];
  const add = (nodeName: string, nodeType: string, more: Report = {}) => {
    names.push(nodeName);
    return { nodeName, nodeType, ...more };
  };
  for (let part = 0; names.length < 500; part++) {
    nodes.push(
      add(`prepare${part}`, 'local'),
      add(`spread${part}`, 'fork', {
        forkNodes: [0, 1, 2].map((branch) => [0, 1].map((step) => add(`work${part}-${branch}-${step}`, 'rpc'))),
      }),
      add(`gather${part}`, 'join', { joinOnList: [0, 1, 2].map((branch) => `work${part}-${branch}-1`) }),
      add(`check${part}`, 'decision', {
        decisionCases: {
          good: [add(`store${part}`, 'rpc')],
          bad: [add(`repair${part}`, 'rpc'), add(`tell${part}`, 'rpc')],
        },
      }),
    );
  }
  const reports: Report[] = [];
  let at = 0;
  for (const nodeName of names) {
    if (/^(repair|tell|spread|gather)/.test(nodeName)) continue;
    reports.push({ ...LARGE_NODES, type: 'node', nodeName, status: 'RUNNING', time: time(at), service: 'worker' });
    at += 3;
    reports.push({
      ...LARGE_NODES,
      type: 'node',
      nodeName,
      status: 'COMPLETED',
      time: time(at),
      service: 'worker',
      ...(nodeName.startsWith('check') ? { case: 'good' } : {}),
    });
    at += 1;
  }
  reports.push({ ...LARGE_LOGS, type: 'node', nodeName: 'talk', status: 'RUNNING', time: time(0) });
  for (let line = 0; line < LOGS; line++) {
    const level = line % 1000 === 999 ? 'ERROR' : line % 50 === 49 ? 'WARN' : 'INFO';
    reports.push({
      ...LARGE_LOGS,
      type: 'log',
      nodeName: 'talk',
      id: `l${line}`,
      time: time(line),
      level,
      message: `line ${line} of what it says`,
    });
  }
  reports.push({ ...LARGE_LOGS, type: 'node', nodeName: 'talk', status: 'COMPLETED', time: time(LOGS) });
  for (let one = 0; one < LISTED; one++) {
    const mark = { businessId: LARGE_LIST, sceneId: `listed-${one % 3}`, executionId: `x${one}` };
    reports.push({
      ...mark,
      type: 'node',
      nodeName: 'only',
      status: one % 17 ? 'COMPLETED' : 'FAILED',
      time: time(one * 1000),
      meta: { trigger: one % 2 ? 'api' : 'timer' },
    });
  }
  return { definition: { sceneId: 'large', linkName: 'Large', nodes }, reports: lines(reports) };
}
