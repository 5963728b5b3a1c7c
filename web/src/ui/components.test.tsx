import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { cleanup, fireEvent, render, screen, waitFor } from '@testing-library/react';
import type { ReactElement } from 'react';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ApiError, request } from '../api/client';
import type { HistoryAnswer } from '../api/queries';
import { readExecutionFile } from '../file/export';
import { fill, translator } from '../i18n';
import { en } from '../i18n/en';
import { zh } from '../i18n/zh';
import { changeSettings } from '../lib/settings';
import { exceptionChain, exceptionLine } from '../logs/exception';
import { ExceptionView, LogDetail } from '../logs/log-detail';
import { logMatches } from '../logs/log-stream';
import { type HistoryEntry, HistoryView, percentile } from '../node/history';
import { NodePanel } from '../node/node-panel';
import { executionCards, firstBroken, nextFailure } from '../panorama/cards';
import { ReplayBar } from '../replay/replay-bar';
import { execution, node, run } from '../testing/made';
import { Timeline, timelineRows } from '../timeline/timeline';
import { ErrorPanel, LongText, Plain } from './parts';
import { Tabs, tabPanel } from './tabs';

beforeEach(() => {
  vi.stubGlobal('fetch', () => Promise.reject(new TypeError('no network in tests')));
});

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
  changeSettings({ language: 'en', zone: 'utc', theme: 'system' });
});

function show(element: ReactElement) {
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  return render(<QueryClientProvider client={client}>{element}</QueryClientProvider>);
}

const noop = () => {};
const line = (message: string, more = {}) => ({
  time: '2026-11-22T10:00:00.000000Z',
  level: 'INFO',
  message,
  data: null,
  exception: null,
  service: null,
  instance: null,
  traceId: null,
  ...more,
});

describe('reported text', () => {
  it('is text, whatever stands in it', () => {
    const { container } = show(<Plain text={'<script>alert(1)</script>\u202e'} />);
    expect(container.querySelector('script')).toBeNull();
    expect(container.textContent).toBe('<script>alert(1)</script>⟨RLO⟩');
  });

  it('of great length comes in parts', () => {
    const { container } = show(<LongText text={'x'.repeat(150_000)} />);
    expect(container.querySelector('pre')?.textContent).toHaveLength(4000);
    fireEvent.click(screen.getByRole('button', { name: /4,000 of 150,000/ }));
    expect(container.querySelector('pre')?.textContent).toHaveLength(104_000);
  });
});

describe('an error', () => {
  it.each([
    [0, 'The server does not answer'],
    [401, 'Give a token'],
    [403, 'Only pages of the server itself'],
    [404, 'past retention'],
    [413, 'longer than the server takes'],
    [429, 'Try again in 9 s'],
    [503, 'store is at fault'],
    [400, 'asking again changes nothing'],
  ])('%d says what to do', (status, text) => {
    const again = vi.fn();
    show(
      <ErrorPanel
        error={new ApiError(status, 'T', status ? 'what happened' : '', [], status === 429 ? 9 : null)}
        retry={again}
      />,
    );
    expect(screen.getByRole('alert').textContent).toContain(text);
    fireEvent.click(screen.getByRole('button', { name: 'Try again' }));
    expect(again).toHaveBeenCalledOnce();
  });
});

describe('a long text the server closed the connection on', () => {
  it('is told apart from a server that does not answer', async () => {
    const put = (body: string) => request('./api/v1/x', { method: 'PUT', body }).catch((error: unknown) => error);
    show(<ErrorPanel error={await put('x'.repeat(2_000_000))} />);
    expect(screen.getByRole('alert').textContent).toContain('the text is too long for it');
    cleanup();
    show(<ErrorPanel error={await put('x')} />);
    expect(screen.getByRole('alert').textContent).toContain('The server does not answer');
  });
});

describe('an exception', () => {
  const exception = {
    type: 'java.io.IOException',
    message: 'timeout',
    stack:
      'java.io.IOException: timeout\n\tat a.B.c(B.java:1)\nCaused by: java.net.X: refused\n\tat d.E.f(E.java:2)\n\t... 3 more',
  };

  it('is one line first, then its causes and their frames', () => {
    expect(exceptionLine(exception)).toBe('java.io.IOException: timeout');
    expect(exceptionChain(exception)).toEqual([
      { title: 'java.io.IOException: timeout', lines: ['at a.B.c(B.java:1)'] },
      { title: 'java.net.X: refused', lines: ['at d.E.f(E.java:2)', '... 3 more'] },
    ]);
    const { container } = show(<ExceptionView exception={exception} />);
    expect(container.textContent).not.toContain('a.B.c');
    fireEvent.click(screen.getByRole('button', { name: /3 stack frames/ }));
    expect(container.textContent).toContain('a.B.c');
  });

  it('may be any JSON', () => {
    expect(exceptionLine('first\nsecond')).toBe('first');
    expect(exceptionLine(['x'])).toBe('["x"]');
    expect(exceptionLine(null)).toBeNull();
    expect(exceptionLine({ stack: 'a\nb' })).toBe('a');
    expect(exceptionChain(null)).toEqual([]);
  });
});

describe('a log line', () => {
  it('shows its data and where it comes from', () => {
    const { container } = show(
      <LogDetail line={line('m', { nodeName: 'n1', service: 'svc', traceId: 'abc', shared: true, data: { a: 1 } })} />,
    );
    for (const text of ['n1', 'svc', 'abc', 'shared']) expect(container.textContent).toContain(text);
  });

  it('passes filters or not', () => {
    const all = { level: '', text: '', node: '' };
    const one = line('Hello World', { level: 'warning', nodeName: 'n' });
    expect(logMatches(one, all)).toBe(true);
    expect(logMatches(one, { ...all, level: 'WARN' })).toBe(true);
    expect(logMatches(one, { ...all, level: 'ERROR' })).toBe(false);
    expect(logMatches(one, { ...all, level: 'DEBUG' })).toBe(true);
    expect(logMatches(line('m', { level: 'odd' }), { ...all, level: 'DEBUG' })).toBe(false);
    expect(logMatches(one, { ...all, text: ' hello ' })).toBe(true);
    expect(logMatches(one, { ...all, node: 'other' })).toBe(false);
  });
});

describe('the node panel', () => {
  const failed = {
    ...node('pay', 'failed', [
      run({ runId: 'r1', status: 'FAILED', exception: { type: 'Declined', message: 'no money' } }),
      run({
        runId: 'r2',
        status: 'FAILED',
        startTime: '2026-11-22T10:00:05.000000Z',
        input: { id: 7 },
        inputCutFrom: 300_000,
        exception: { type: 'Declined', message: 'again' },
      }),
    ]),
    logCounts: { ERROR: 2, WARN: 1 },
  };
  const made = execution({
    nodes: [failed],
    findings: [{ kind: 'slow', nodeName: 'pay', message: 'pay took longer than 1 s' }],
  });
  const panel = (tab: 'summary' | 'input' | 'output' | 'history', runId = '') =>
    show(
      <NodePanel
        execution={made}
        node={failed}
        definition={undefined}
        tab={tab}
        run={runId}
        imported={[]}
        onTab={noop}
        onRun={noop}
        onClose={noop}
      />,
    );

  it('sums up the latest run, its exception and its findings', () => {
    const { container } = panel('summary');
    expect(container.textContent).toContain('Declined: again');
    expect(container.textContent).toContain('pay took longer than 1 s');
    expect(container.textContent).toContain('2 errors');
  });

  it('tells findings and reasons in Chinese, and what it does not know as it is', () => {
    changeSettings({ language: 'zh' });
    const skipped = { ...node('ship', 'not_taken'), notTakenBecause: 'route chose hold' };
    const findings = [
      { kind: 'slow', nodeName: 'ship', message: 'run #1 took 2 s, slow is above 1 s' },
      { kind: 'odd', nodeName: 'ship', message: 'said by a later server' },
    ];
    const { container } = show(
      <NodePanel
        execution={execution({ nodes: [skipped], findings })}
        node={skipped}
        definition={undefined}
        tab="summary"
        run=""
        imported={[]}
        onTab={noop}
        onRun={noop}
        onClose={noop}
      />,
    );
    for (const text of ['route 选择了 hold', '运行 #1 耗时 2 s，超过慢阈值 1 s', 'said by a later server'])
      expect(container.textContent).toContain(text);
    expect(executionCards(execution({ nodes: [skipped] }), null, '', translator('zh')).get('ship')?.line).toBe(
      'route 选择了 hold',
    );
  });

  it('shows an earlier run when asked', () => {
    expect(panel('summary', 'r1').container.textContent).toContain('Declined: no money');
  });

  it('says of a cut input how long it was, and of no output that there is none', () => {
    expect(panel('input').container.textContent).toContain('of 293 KiB');
    cleanup();
    expect(panel('output').container.textContent).toContain('No output was reported');
  });

  it('has no tab for what is not there', () => {
    panel('history');
    expect(screen.queryByRole('tab', { name: 'History' })).toBeNull();
    expect(screen.queryByRole('tab', { name: 'Definition' })).toBeNull();
    expect(screen.getByRole('tab', { name: 'Summary' }).getAttribute('aria-selected')).toBe('true');
  });
});

const HERE = { businessId: 'b2', sceneId: 's', executionId: 'e2' };

function historyOf(): HistoryAnswer {
  const entries = [100, 200, 300, 400].map((durationMicros, at) => ({
    businessId: `b${at}`,
    executionId: `e${at}`,
    startTime: '2026-11-22T10:00:00.000000Z',
    status: 'completed',
    state: at ? ('completed' as const) : ('failed' as const),
    runs: 1,
    runStatus: at ? 'COMPLETED' : 'FAILED',
    durationMicros,
  }));
  const runs = { total: 4, failed: 1, errorRate: 0.25, p50Micros: 200, p95Micros: 400, maxMicros: 400 };
  return { sceneId: 's', nodeName: 'n', executions: 4, complete: true, runs, states: {}, entries };
}

describe('the history of a node', () => {
  it('says where this run stands', () => {
    expect(percentile([1, 2, 3, 4], 4)).toBe(88);
    expect(percentile([5, 5], 5)).toBe(50);
    expect(percentile([], 5)).toBeNull();
    const { container } = show(<HistoryView history={historyOf()} current={HERE} duration={350} />);
    expect(container.textContent).toContain('slower than 75 %');
    expect(container.textContent).toContain('25 %');
    expect(container.textContent).toContain('Over all 4 executions');
    expect(container.querySelectorAll('.point')).toHaveLength(4);
    expect(container.querySelectorAll('.point.this')).toHaveLength(1);
    expect(container.querySelector('tr.selected')?.textContent).toContain('b2');
  });

  it('shows the executions in which the node stood so, when asked', () => {
    const { container } = show(<HistoryView history={historyOf()} />);
    expect(container.querySelectorAll('tbody tr')).toHaveLength(4);
    fireEvent.click(screen.getByRole('button', { name: 'failed 1' }));
    expect(container.querySelectorAll('tbody tr')).toHaveLength(1);
    const link = container.querySelector('tbody a');
    expect(link?.getAttribute('href')).toBe('./execution?b=b0&s=s&e=e0&node=n');
    fireEvent.click(screen.getByRole('button', { name: 'failed 1' }));
    expect(container.querySelectorAll('tbody tr')).toHaveLength(4);
  });

  it('of a node that reports no runs says so, and no rate of nothing', () => {
    const runs = { total: 0, failed: 0, errorRate: null, p50Micros: null, p95Micros: null, maxMicros: null };
    const { entries, ...rest } = historyOf();
    const silent = entries.map((entry) => ({ ...entry, runs: 0, runStatus: null, durationMicros: null }));
    const { container } = show(<HistoryView history={{ ...rest, runs, entries: silent }} />);
    expect(container.textContent).toContain('It does not report runs of its own');
    expect(container.textContent).not.toContain('%');
    expect(container.querySelector('svg.history-chart')).toBeNull();
  });

  it('says when there are older ones, and shows more on demand', () => {
    const { entries, ...rest } = historyOf();
    const many = Array.from({ length: 60 }, (_, at) => ({ ...(entries[1] as HistoryEntry), executionId: `x${at}` }));
    const { container } = show(<HistoryView history={{ ...rest, executions: 60, complete: false, entries: many }} />);
    expect(container.textContent).toContain('Over the newest 60 executions; there are older ones');
    expect(container.querySelectorAll('tbody tr')).toHaveLength(25);
    fireEvent.click(screen.getByRole('button', { name: 'Show more (35)' }));
    expect(container.querySelectorAll('tbody tr')).toHaveLength(60);
  });
});

describe('tabs', () => {
  it('are one stop of the keyboard; arrows, Home and End go round', () => {
    const chosen = vi.fn();
    const items = (['a', 'b', 'c'] as const).map((name) => ({ name, label: name.toUpperCase(), count: 0 }));
    show(<Tabs label="L" panel="p" items={items} current="a" onSelect={chosen} />);
    const tabs = screen.getAllByRole('tab');
    expect(tabs.map((tab) => tab.tabIndex)).toEqual([0, -1, -1]);
    for (const key of ['ArrowRight', 'ArrowLeft', 'End', 'Home', 'x'])
      fireEvent.keyDown(tabs[0] as HTMLElement, { key });
    expect(chosen.mock.calls.flat()).toEqual(['b', 'c', 'c', 'a']);
    expect(document.activeElement).toBe(tabs[0]);
    expect(tabs[0]?.getAttribute('aria-controls')).toBe('p');
    expect(tabPanel('p', 'a')['aria-labelledby']).toBe(tabs[0]?.id);
  });
});

describe('cards', () => {
  const t = translator('en');
  it('tell the case that was chosen, and dim what is not searched for', () => {
    const made = execution({
      nodes: [
        { ...node('d', 'completed', [run({ durationMicros: 5000 })], 'decision'), case: 'yes' },
        { ...node('n', 'not_taken'), notTakenBecause: 'd chose yes' },
      ],
    });
    const cards = executionCards(made, null, 'n', t);
    expect(cards.get('d')).toMatchObject({ line: '→ yes · 5 ms', dim: true });
    expect(cards.get('n')).toMatchObject({ line: 'd chose yes', match: true });
  });

  it('lead to the next failure and round again', () => {
    const made = execution({
      nodes: [node('a'), node('b', 'failed'), { ...node('c'), logCounts: { ERROR: 1 } }, node('d')],
      findings: [{ kind: 'slow', nodeName: 'a', message: 'm' }],
    });
    expect(['', 'a', 'b', 'c'].map((from) => nextFailure(made, from))).toEqual(['a', 'b', 'c', 'a']);
    expect(nextFailure(execution({ nodes: [node('a')] }), '')).toBeNull();
    expect(firstBroken(made)).toBe('b');
    expect(firstBroken(execution({ nodes: [node('a')], findings: made.findings }))).toBe('');
  });
});

describe('the timeline', () => {
  it('has a row for every run in the order of the plan; open ones end with what is known', () => {
    const made = execution({
      status: 'stalled',
      endTime: null,
      nodes: [
        node('late', 'completed', [
          run({ startTime: '2026-11-22T10:00:09.000000Z', endTime: '2026-11-22T10:00:10.000000Z' }),
        ]),
        node('never', 'not_reached'),
        node('open', 'stalled', [
          run({ status: 'RUNNING', startTime: '2026-11-22T10:00:03.000000Z', endTime: null }),
          run({ runId: '#2' }),
        ]),
      ],
    });
    const rows = timelineRows(made, 0);
    expect(rows.map((row) => [row.node.nodeName, row.isFirst])).toEqual([
      ['late', true],
      ['open', true],
      ['open', false],
    ]);
    expect(rows[1]?.bars[0]).toMatchObject({ open: true, to: rows[0]?.bars[0]?.to });
  });

  it('moves clocks only when asked, and says by how much', () => {
    const nodes = [
      node('a', 'completed', [run({ instance: 'x' })]),
      node('b', 'completed', [
        run({
          instance: 'y',
          startTime: '2026-11-22T10:00:00.600000Z',
          endTime: '2026-11-22T10:00:00.800000Z',
          durationMicros: 200_000,
        }),
      ]),
    ];
    const findings = [{ kind: 'clock_skew_suspected', nodeName: 'b', message: 'm' }];
    const made = execution({ nodes, findings, edges: [['a', 'b']] });
    const asked = vi.fn();
    const timeline = (align: boolean) => (
      <Timeline execution={made} selected="" onSelect={noop} logs={[]} at={null} align={align} onAlign={asked} />
    );
    const { rerender } = render(timeline(false));
    expect(screen.queryByText(/Not as reported/)).toBeNull();
    fireEvent.click(screen.getByRole('button', { name: 'Align clocks', pressed: false }));
    expect(asked).toHaveBeenCalledWith(true);
    rerender(timeline(true));
    expect(screen.getByText(/Not as reported/).textContent).toContain('y +400 ms');
    const [from] = timelineRows(made, 0, new Map([['y', 400_000]]))
      .map((row) => row.bars[0]?.from)
      .slice(1);
    expect(from).toBe(Date.UTC(2026, 10, 22, 10, 0, 1) * 1000);
    rerender(
      <Timeline
        execution={{ ...made, findings: [] }}
        selected=""
        onSelect={noop}
        logs={[]}
        at={null}
        align
        onAlign={asked}
      />,
    );
    expect(screen.queryByRole('button', { name: 'Align clocks' })).toBeNull();
  });
});

describe('replay', () => {
  it('goes to a moment and back to now', () => {
    const made = execution({ nodes: [node('a', 'completed', [run()])] });
    const onChange = vi.fn();
    const { rerender } = render(<ReplayBar execution={made} at={null} onChange={onChange} />);
    fireEvent.change(screen.getByRole('slider'), { target: { value: '0' } });
    const [start] = onChange.mock.calls[0] as [number];
    expect(start).toBe(Date.UTC(2026, 10, 22, 10) * 1000);
    rerender(<ReplayBar execution={made} at={start} onChange={onChange} />);
    fireEvent.click(screen.getByRole('button', { name: 'Back to now' }));
    expect(onChange).toHaveBeenLastCalledWith(null);
  });

  it('plays to the end by itself', async () => {
    const made = execution({ nodes: [node('a', 'completed', [run()])] });
    const onChange = vi.fn();
    const { rerender } = render(<ReplayBar execution={made} at={null} onChange={onChange} />);
    fireEvent.click(screen.getByRole('button', { name: 'Play' }));
    rerender(<ReplayBar execution={made} at={onChange.mock.calls[0]?.[0] as number} onChange={onChange} />);
    await waitFor(() => expect(onChange).toHaveBeenLastCalledWith(null), { timeout: 3000 });
  });
});

describe('a file', () => {
  it('is read back as it was written, also a bare answer', () => {
    const made = execution({ nodes: [node('a')] });
    const file = {
      format: 'linkloom-execution',
      formatVersion: 1,
      execution: made,
      definition: null,
      logs: [line('m')],
      logsLeftOut: 2,
    };
    expect(readExecutionFile(JSON.stringify(file))).toEqual(file);
    expect(readExecutionFile(JSON.stringify(made)).execution).toEqual(made);
  });

  it.each([
    ['[]', 'not an object'],
    ['{}', 'businessId is not a text'],
    ['{"format":"linkloom-execution","formatVersion":9}', 'formatVersion is not 1'],
    [JSON.stringify({ ...execution(), nodes: [{}] }), 'nodes[0] is no node'],
    [JSON.stringify({ ...execution(), counts: 1 }), 'counts is missing'],
  ])('that is none says why: %s', (text, problem) => {
    expect(() => readExecutionFile(text)).toThrow(problem);
  });
});

describe('texts', () => {
  it('are there in both languages with the same values', () => {
    for (const key of Object.keys(en) as (keyof typeof en)[]) {
      const names = (text: string) => [...new Set([...text.matchAll(/\{(\w+)/g)].map((match) => match[1]))].sort();
      expect({ key, names: names(zh[key]) }).toEqual({ key, names: names(en[key]) });
    }
  });

  it('know one from many', () => {
    expect([1, 2000].map((n) => fill('{n} {n|log|logs}', { n }))).toEqual(['1 log', '2,000 logs']);
    expect(fill('{x}', {})).toBe('{x}');
  });
});
