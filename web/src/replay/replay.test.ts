import { describe, expect, it } from 'vitest';
import { rfc3339 } from '../lib/time';
import { execution, node, run } from '../testing/made';
import { moments, snapshotAt } from './replay';

const at = (second: number) => rfc3339(1_795_341_600_000_000 + second * 1_000_000);
const us = (second: number) => 1_795_341_600_000_000 + second * 1_000_000;
const ran = (from: number, to: number | null, status: 'COMPLETED' | 'FAILED' | 'RUNNING' = 'COMPLETED') =>
  run({ startTime: at(from), endTime: to === null ? null : at(to), status });

/** a, then a fork of b and c, then a decision that takes yes; m is missing on the way to z. */
const MADE = execution({
  nodes: [
    node('a', 'completed', [ran(0, 10)]),
    node('fork', 'completed', [], 'fork'),
    node('b', 'completed', [ran(11, 20, 'FAILED'), ran(21, 30)]),
    node('c', 'completed', [ran(12, 15)]),
    node('join', 'completed', [], 'join'),
    node('d', 'completed', [ran(31, 32)], 'decision'),
    node('yes', 'completed', [ran(33, 40)]),
    node('no', 'not_taken', []),
    node('m', 'missing', []),
    node('z', 'stalled', [ran(50, null, 'RUNNING')]),
  ],
  edges: [
    ['a', 'fork', 'taken'],
    ['fork', 'b', 'taken'],
    ['fork', 'c', 'taken'],
    ['b', 'join', 'taken'],
    ['c', 'join', 'taken'],
    ['join', 'd', 'taken'],
    ['d', 'yes', 'taken'],
    ['d', 'no', 'not_taken'],
    ['yes', 'm', 'taken'],
    ['no', 'm', 'not_taken'],
    ['m', 'z', 'taken'],
  ],
});

function states(second: number): string {
  const { states } = snapshotAt(MADE, us(second));
  return MADE.nodes.map((one) => `${one.nodeName}:${states.get(one.nodeName)}`).join(' ');
}

describe('a moment of an execution', () => {
  it('are all starts and ends, each once', () => {
    expect(moments(MADE).map((moment) => (moment - us(0)) / 1_000_000)).toEqual([
      0, 10, 11, 12, 15, 20, 21, 30, 31, 32, 33, 40, 50,
    ]);
  });

  it('has only what had begun', () => {
    expect(states(5)).toBe(
      'a:running fork:not_reached b:not_reached c:not_reached join:not_reached d:not_reached yes:not_reached no:not_reached m:not_reached z:not_reached',
    );
  });

  it('has a first attempt failed before the second begins', () => {
    expect(states(20)).toContain('fork:completed b:failed c:completed join:not_reached');
    expect(states(25)).toContain('b:running');
    expect(states(30)).toContain('b:completed');
  });

  it('knows the way not taken once the decision is through, and what is missing once it was passed', () => {
    expect(states(31)).toContain('d:running yes:not_reached no:not_reached m:not_reached');
    expect(states(34)).toContain('d:completed yes:running no:not_taken m:not_reached');
    expect(states(50)).toContain('m:missing z:stalled');
  });

  it('has edges taken once both ends are', () => {
    const edge = (from: string, to: string, second: number) =>
      snapshotAt(MADE, us(second)).edges[MADE.edges.findIndex((one) => one.from === from && one.to === to)];
    expect([edge('d', 'yes', 32), edge('d', 'yes', 33)]).toEqual(['open', 'taken']);
    expect([edge('d', 'no', 31), edge('d', 'no', 32)]).toEqual(['open', 'not_taken']);
  });

  it('after all of them is the end', () => {
    const { states, edges } = snapshotAt(MADE, us(1000));
    expect([...states.values()]).toEqual(MADE.nodes.map((one) => one.state));
    expect(edges).toEqual(MADE.edges.map((one) => one.state));
  });
});
