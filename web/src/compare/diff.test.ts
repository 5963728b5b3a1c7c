import { describe, expect, it } from 'vitest';
import { execution, node, run } from '../testing/made';
import { diffExecutions, diffJson, latestRun, mergedEdges, mergedOrder } from './diff';

describe('two executions', () => {
  it('differ by node, state, case, duration, input and output', () => {
    const left = execution({
      nodes: [
        node('same', 'completed', [run()]),
        { ...node('decide', 'completed', [run()], 'decision'), case: 'yes' },
        node('slow', 'completed', [run({ durationMicros: 10_000, input: { a: 1 }, output: [1, 2] })]),
        node('gone', 'completed', []),
      ],
    });
    const right = execution({
      nodes: [
        node('same', 'completed', [run({ durationMicros: 1_100_000 })]),
        { ...node('decide', 'completed', [run()], 'decision'), case: 'no' },
        node('new', 'failed', []),
        node('slow', 'failed', [run({ durationMicros: 90_000, input: { a: 2, b: 3 }, output: [1, 2] })]),
      ],
    });
    const diffs = diffExecutions(left, right);
    expect(diffs.map((diff) => [diff.name, ...diff.differences.map((one) => one.kind)])).toEqual([
      ['same'],
      ['decide', 'case'],
      ['new', 'only_right'],
      ['slow', 'state', 'duration', 'input'],
      ['gone', 'only_left'],
    ]);
    expect(diffs[3]?.differences[2]).toEqual({ kind: 'input', changes: 2 });
  });

  it('share one order', () => {
    expect(mergedOrder(['a', 'b', 'c'], ['x', 'a', 'y', 'z', 'c'])).toEqual(['x', 'a', 'y', 'z', 'b', 'c']);
    expect(mergedOrder([], ['a', 'b'])).toEqual(['a', 'b']);
  });

  it('share their edges', () => {
    const edges = (list: [string, string, 'taken' | 'not_taken' | 'open'][]) => execution({ edges: list }).edges;
    const merged = mergedEdges(
      edges([
        ['a', 'b', 'taken'],
        ['a', 'c', 'not_taken'],
        ['b', 'd', 'taken'],
      ]),
      edges([
        ['a', 'b', 'not_taken'],
        ['a', 'c', 'taken'],
        ['b', 'd', 'taken'],
        ['x', 'y', 'open'],
      ]),
    );
    expect(merged.map((edge) => [edge.from + edge.to, edge.state, edge.sides])).toEqual([
      ['ab', 'taken', 'left'],
      ['ac', 'taken', 'right'],
      ['bd', 'taken', 'both'],
      ['xy', 'open', 'none'],
    ]);
  });
});

describe('the latest run', () => {
  it('is by start, else by end', () => {
    const runs = [
      run({ runId: '1', startTime: '2026-11-22T10:00:02.000000Z' }),
      run({ runId: '2', startTime: null, endTime: '2026-11-22T10:00:03.000000Z' }),
      run({ runId: '3', startTime: '2026-11-22T10:00:01.000000Z' }),
    ];
    expect(latestRun(node('n', 'completed', runs))?.runId).toBe('2');
    expect(latestRun(node('n'))).toBeNull();
  });
});

describe('two values', () => {
  it('differ by path', () => {
    expect(diffJson({ a: [1, { b: 2 }], 'k k': 1 }, { a: [1, { b: 3 }, 4] })).toEqual([
      { path: '$.a[1].b', left: 2, right: 3 },
      { path: '$.a[2]', left: undefined, right: 4 },
      { path: '$["k k"]', left: 1, right: undefined },
    ]);
    expect(diffJson({ a: 1 }, [1])).toHaveLength(1);
    expect(diffJson({ __proto__: 1 } as never, {})).toHaveLength(0);
  });
});
