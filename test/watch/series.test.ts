/** Curves: repeated steps, few points in place of many, time without pauses, smoothing. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decimate, Elapsed, longestGap } from '../../src/watch/decimate.ts';
import { NumbersTable } from '../../src/watch/numbers_table.ts';
import { smoothed } from '../../src/watch/page/smoothing.ts';

describe('a table of numbers', () => {
  it('has a column for each number, with gaps where a line has it not', () => {
    const table = new NumbersTable();
    table.add({ type: 'step', step: 1, epoch: 1, loss: 3, lossScale: { scale: 1024, skipped: 0 } });
    table.add({ type: 'step', step: 2, epoch: 1, loss: null, accuracy: 0.5 });
    table.add({ type: 'step', step: 3, epoch: 1, loss: 2 });
    expect([...table.column('loss')!]).toEqual([3, Number.NaN, 2]);
    expect([...table.column('accuracy')!]).toEqual([Number.NaN, 0.5, Number.NaN]);
    expect(table.names).toEqual(['loss', 'lossScale.scale', 'lossScale.skipped', 'accuracy']);
    expect(table.last('accuracy')).toBe(0.5);
    expect(table.last('nothing')).toBeUndefined();
  });

  it('steps that are logged again replace those that were, and all behind them', () => {
    const table = new NumbersTable();
    for (let step = 1; step <= 300; step++) table.add({ step, loss: step });
    for (let step = 201; step <= 250; step++) table.add({ step, loss: -step });
    expect([...table.steps.view()]).toEqual(Array.from({ length: 250 }, (_, i) => i + 1));
    expect(table.column('loss')![199]).toBe(200);
    expect(table.column('loss')![200]).toBe(-201);
  });
});

describe('few points', () => {
  const series = (count: number) => {
    const x = Float64Array.from({ length: count }, (_, i) => i + 1);
    return { x, values: Float64Array.from(x, (step) => Math.sin(step)) };
  };

  it('keeps all values where they are few', () => {
    const { x, values } = series(50);
    const told = decimate(x, values, { axis: 'step', points: 50 });
    expect(told).toMatchObject({ size: 1, x: [...x] });
    expect(told.min).toBeUndefined();
  });

  it('tells of every piece its mean, least and greatest value', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.double({ min: -5, max: 5, noNaN: true }), fc.constant(Number.NaN)), {
          minLength: 1,
          maxLength: 400,
        }),
        fc.integer({ min: 10, max: 50 }),
        (values, points) => {
          const xs = Float64Array.from(values, (_, i) => i);
          const {
            x,
            mean,
            min = mean,
            max = mean,
            size,
          } = decimate(xs, Float64Array.from(values), { axis: 'step', points });
          expect(x.length).toBeLessThanOrEqual(points);
          const numbers = values.filter((value) => !Number.isNaN(value));
          if (numbers.length === 0) {
            expect(x).toEqual([]);
            return;
          }
          expect(Math.min(...min)).toBeCloseTo(Math.min(...numbers), 5);
          expect(Math.max(...max)).toBeCloseTo(Math.max(...numbers), 5);
          const pieces = Array.from({ length: Math.ceil(values.length / size) }, (_, i) =>
            values.slice(i * size, (i + 1) * size).filter((value) => !Number.isNaN(value)),
          ).filter((piece) => piece.length > 0);
          const means = pieces.map((piece) => piece.reduce((a, b) => a + b) / piece.length);
          mean.forEach((value, i) => expect(value).toBeCloseTo(means[i], 5));
        },
      ),
    );
  });

  it('pieces that are whole stay as they are when lines are added', () => {
    const long = series(1000);
    const before = decimate(long.x.subarray(0, 900), long.values.subarray(0, 900), { axis: 'step', points: 100 });
    const after = decimate(long.x, long.values, { axis: 'step', points: 100 });
    expect(after.size).toBe(before.size);
    const whole = Math.floor(900 / before.size);
    expect(after.mean.slice(0, whole)).toEqual(before.mean.slice(0, whole));
  });

  it('shows a part of the axis in more detail, and a point beyond either end', () => {
    const { x, values } = series(10_000);
    const { x: shown, size } = decimate(x, values, { axis: 'step', points: 100, from: 500.5, to: 550.5 });
    expect(size).toBe(1);
    expect([shown[0], shown.at(-1)]).toEqual([500, 551]);
    expect(decimate(x, values, { axis: 'step', points: 100, from: 20_000, to: 30_000 }).x.length).toBeLessThan(2);
  });
});

it('time stands still while a run does', () => {
  const times = Float64Array.of(100, 101, 102, 103, 10_000, 10_001, 10_002);
  const elapsed = new Elapsed(times, longestGap(times));
  expect([...times].map((time) => elapsed.at(time))).toEqual([0, 1, 2, 3, 3, 4, 5]);
  // A run whose steps take an hour each has no pauses.
  const slow = Float64Array.of(0, 3600, 7200, 10_900);
  expect(new Elapsed(slow, longestGap(slow)).at(10_900)).toBe(10_900);
});

describe('smoothing', () => {
  it('is the debiased moving average, by its definition', () => {
    const values = [3, 1, 4, 1, 5, 9, 2, 6];
    const weight = 0.7;
    smoothed(values, weight).forEach((value, n) => {
      const weights = values.slice(0, n + 1).map((_, i) => weight ** (n - i));
      const mean =
        values.slice(0, n + 1).reduce((sum, v, i) => sum + weights[i] * v, 0) / weights.reduce((a, b) => a + b);
      expect(value).toBeCloseTo(mean, 10);
    });
    expect(smoothed(values, 0)).toEqual(values);
  });

  it('does not depend on how many lines a point stands for, where they are equal', () => {
    const steps = [...Array<number>(16).fill(2), ...Array<number>(16).fill(5), ...Array<number>(16).fill(1)];
    const points = Array.from({ length: 12 }, (_, i) => steps[4 * i]);
    const all = smoothed(steps, 0.9);
    smoothed(points, 0.9, 4).forEach((value, i) => expect(value).toBeCloseTo(all[4 * i + 3], 10));
  });
});
