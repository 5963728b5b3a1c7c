import { describe, expect, it } from 'vitest';
import type { StatisticsAnswer } from '../api/queries';
import { translator } from '../i18n';
import { planCards } from './cards';
import { edgeFigures, greatest, overlayCards, percent } from './overlay';

const t = translator('en');
const none = { total: 0, failed: 0, errorRate: null, p50Micros: null, p95Micros: null, maxMicros: null };

const FIGURES: StatisticsAnswer = {
  sceneId: 's',
  from: null,
  to: null,
  executions: 32,
  complete: true,
  statuses: { completed: 30, failed: 2 },
  durations: { p50Micros: 1, p95Micros: 2, maxMicros: 3 },
  nodes: [
    { nodeName: 'fork', executions: 32, states: { completed: 32 }, runs: none },
    {
      nodeName: 'check',
      executions: 32,
      states: { completed: 31, failed: 1 },
      runs: { total: 32, failed: 1, errorRate: 0.03125, p50Micros: 1000, p95Micros: 4000, maxMicros: 5000 },
    },
    {
      nodeName: 'publish',
      executions: 32,
      states: { completed: 7, missing: 1, not_taken: 24 },
      runs: { total: 8, failed: 4, errorRate: 0.5, p50Micros: 2000, p95Micros: 2000, maxMicros: 2000 },
    },
    { nodeName: 'hold', executions: 32, states: { not_taken: 32 }, runs: none },
  ],
  edges: [
    { from: 'check', to: 'publish', label: 'pass', taken: 8, notTaken: 24, open: 0, share: 0.25 },
    { from: 'check', to: 'publish', label: null, taken: 0, notTaken: 32, open: 0, share: 0 },
  ],
};
const PLAN = ['fork', 'check', 'publish', 'hold', 'new'].map((nodeName) => ({ nodeName, nodeType: 'rpc' }));

describe('an overlay', () => {
  const lines = (overlay: 'runs' | 'errors' | 'p95') => {
    const cards = overlayCards(planCards(PLAN, ''), FIGURES, overlay, t);
    return [...cards.values()].map((card) => [card.name, card.line, card.heat]);
  };

  it('of runs says how many, and that who reports nothing was passed', () => {
    expect(lines('runs')).toEqual([
      ['fork', 'passed 32 times', undefined],
      ['check', '32 runs', 1],
      ['publish', '8 runs', 0.25],
      ['hold', 'no runs', undefined],
      ['new', 'no runs', undefined],
    ]);
  });

  it('of errors is as dark as the worst rate', () => {
    expect(lines('errors').slice(1, 3)).toEqual([
      ['check', '3.1 % · 1 failed', 0.0625],
      ['publish', '50 % · 4 failed', 1],
    ]);
    expect(greatest(FIGURES, 'errors')).toBe(0.5);
  });

  it('of p95 compares durations', () => {
    expect(lines('p95').slice(1, 3)).toEqual([
      ['check', 'p95 4 ms', 1],
      ['publish', 'p95 2 ms', 0.5],
    ]);
  });

  it('marks failed runs and missing nodes whatever it shows', () => {
    const cards = overlayCards(planCards(PLAN, ''), FIGURES, 'p95', t);
    expect(cards.get('check')).toMatchObject({ errors: 1, flagged: false });
    expect(cards.get('publish')).toMatchObject({ errors: 4, flagged: true });
  });

  it('is light where there are no figures', () => {
    const empty = { ...FIGURES, nodes: FIGURES.nodes.map((node) => ({ ...node, runs: none })) };
    const cards = overlayCards(planCards(PLAN, ''), empty, 'errors', t);
    expect([...cards.values()].every((card) => card.heat === undefined)).toBe(true);
  });

  it('finds the figures of a way by its label, also of the one without', () => {
    expect(edgeFigures(FIGURES, 'check', 'publish', 'pass')?.taken).toBe(8);
    expect(edgeFigures(FIGURES, 'check', 'publish', null)?.taken).toBe(0);
    expect(edgeFigures(FIGURES, 'check', 'publish', 'no')).toBeUndefined();
  });
});

it('a share is said with two digits at most, and none as none', () => {
  expect([null, 0, 0.0313, 0.354, 1].map(percent)).toEqual(['–', '0 %', '3.1 %', '35 %', '100 %']);
});
