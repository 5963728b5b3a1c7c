import { describe, expect, it } from 'vitest';
import { execution, node, run } from '../testing/made';
import { clockOffsets } from './align';

const at = (ms: number) => new Date(Date.UTC(2026, 10, 22, 10) + ms).toISOString().replace('Z', '000Z');
const ran = (name: string, instance: string, from: number, to: number, host?: string) =>
  node(name, 'completed', [
    run({ instance, startTime: at(from), endTime: at(to), ...(host === undefined ? {} : { host }) }),
  ]);
const skew = (nodeName: string) => ({ kind: 'clock_skew_suspected', nodeName, message: '' });

describe('clocks', () => {
  it('of a machine that is behind are moved until what comes first has ended', () => {
    const made = execution({
      nodes: [ran('a', 'x', 0, 100), ran('b', 'y', 40, 60), ran('c', 'y', 61, 70), ran('d', 'x', 130, 140)],
      edges: [
        ['a', 'b'],
        ['b', 'c'],
        ['c', 'd'],
      ],
      findings: [skew('b')],
    });
    expect([...clockOffsets(made)]).toEqual([['y', 60_000]]);
  });

  it('are looked at past nodes that do not report, and with what was moved before', () => {
    const made = execution({
      nodes: [
        ran('a', 'x', 0, 100),
        node('fork', 'completed', [], 'fork'),
        ran('b', 'y', 50, 80),
        ran('c', 'z', 90, 95),
      ],
      edges: [
        ['a', 'fork'],
        ['fork', 'b'],
        ['b', 'c'],
      ],
      findings: [skew('b'), skew('c')],
    });
    expect([...clockOffsets(made)]).toEqual([
      ['y', 50_000],
      ['z', 40_000],
    ]);
  });

  it('of one host are one, whatever the instance', () => {
    const made = execution({
      nodes: [ran('a', 'x:1', 0, 100, 'h'), ran('b', 'x:2', 40, 60, 'h')],
      edges: [['a', 'b']],
      findings: [skew('b')],
    });
    expect(clockOffsets(made).size).toBe(0);
  });

  it('stay as they are where nothing is suspected, nothing is known, or the way leads back', () => {
    const nodes = [ran('a', 'x', 0, 100), ran('b', 'y', 40, 60)];
    expect(clockOffsets(execution({ nodes, edges: [['a', 'b']] })).size).toBe(0);
    expect(clockOffsets(execution({ nodes, edges: [], findings: [skew('b')] })).size).toBe(0);
    expect(clockOffsets(execution({ nodes, edges: [['b', 'a']], findings: [skew('a')] })).size).toBe(0);
    const silent = [ran('a', 'x', 0, 100), node('b', 'completed', [run({ startTime: null, instance: 'y' })])];
    expect(clockOffsets(execution({ nodes: silent, edges: [['a', 'b']], findings: [skew('b')] })).size).toBe(0);
  });
});
