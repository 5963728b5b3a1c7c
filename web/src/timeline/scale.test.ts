import { describe, expect, it } from 'vitest';
import { scaleOf, stretchesOf, tickStep } from './scale';

describe('stretches', () => {
  it('join what overlaps or touches', () => {
    expect(
      stretchesOf(
        [
          [10, 20],
          [15, 30],
          [30, 40],
          [60, 70],
        ],
        0,
        100,
      ),
    ).toEqual([
      { from: 0, to: 10, idle: true },
      { from: 10, to: 40, idle: false },
      { from: 40, to: 60, idle: true },
      { from: 60, to: 70, idle: false },
      { from: 70, to: 100, idle: true },
    ]);
  });
});

describe('a scale', () => {
  const hour = 3_600_000_000;

  it('without folding is even', () => {
    const scale = scaleOf(
      [
        [0, 10],
        [90, 100],
      ],
      0,
      100,
      false,
    );
    expect(scale.at(50)).toBeCloseTo(0.5);
    expect(scale.time(0.25)).toBeCloseTo(25);
  });

  it('folds the hours a review waits, and goes there and back', () => {
    const scale = scaleOf(
      [
        [0, 1_000_000],
        [2 * hour, 2 * hour + 1_000_000],
      ],
      0,
      2 * hour + 1_000_000,
      true,
    );
    expect(scale.stretches.map((part) => part.idle)).toEqual([false, true, false]);
    expect(scale.at(1_000_000)).toBeGreaterThan(0.4);
    for (const us of [0, 400_000, 1_000_000, 2 * hour, 2 * hour + 700_000]) {
      expect(Math.abs(scale.time(scale.at(us)) - us)).toBeLessThan(2000);
    }
  });

  it('never goes back', () => {
    const scale = scaleOf(
      [
        [5, 6],
        [50, 60],
        [1000, 1001],
      ],
      0,
      2000,
      true,
    );
    let last = -1;
    for (let us = 0; us <= 2000; us++) {
      expect(scale.at(us)).toBeGreaterThanOrEqual(last);
      last = scale.at(us);
    }
    expect(last).toBeCloseTo(1);
  });

  it('takes an execution that took no time, and one in which nothing ran', () => {
    expect(scaleOf([[7, 7]], 7, 7, true).at(7)).toBe(0);
    expect(scaleOf([], 0, 100, true).at(100)).toBeCloseTo(1);
  });
});

describe('ticks', () => {
  it.each([
    [252_000, 50_000],
    [60_000_000, 10_000_000],
    [7_200_000_000, 900_000_000],
    [86_400_000_000 * 3, 43_200_000_000],
  ])('over %d µs are %d apart', (span, step) => {
    expect(tickStep(span, 8)).toBe(step);
  });
});
