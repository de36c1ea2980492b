import { expect, it } from 'vitest';
import type { Gpu } from '../../src/gpu/device.ts';
import { Program } from '../../src/graph/program.ts';
import { State } from '../../src/graph/state.ts';
import { constant, trace } from '../../src/graph/trace.ts';
import { augmentParameters, type DrawOptions } from '../../src/ops/augment.ts';
import { cropParameters } from '../reference/augment_parameters.ts';
import { interpret } from '../reference/interpreter.ts';
import { lowbias32 } from '../values.ts';
import { onEveryAdapter } from './harness.ts';

const simclr = {
  height: 96,
  width: 96,
  scale: [0.08, 1],
  ratio: [3 / 4, 4 / 3],
  flip: 0.5,
  jitter: 0.8,
  strength: 0.5,
  grayscale: 0.2,
  blur: 0.5,
  sigma: [0.1, 2],
} as const;
const off = { ...simclr, scale: [1, 1], flip: 0, jitter: 0, grayscale: 0, blur: 0 } as const;

const range = (count: number): Uint32Array => Uint32Array.from({ length: count }, (_, i) => i);
const seeds = Uint32Array.of(1, 0, 3, 0);

/** Rows of 16 by the device, and by the reference if asked. */
async function draw(gpu: Gpu, config: DrawOptions, indices: Uint32Array, counters = seeds, reference = false) {
  const { graph, result } = trace(() => ({
    rows: augmentParameters(constant('indices', indices), constant('seeds', counters), config),
  }));
  const state = new State(gpu);
  const program = await Program.compile(graph, state, result, { inspect: true });
  const { rows } = await program.run().read();
  expect(await program.damagedGuards()).toEqual([]);
  program.destroy();
  state.destroy();
  const expected = reference ? interpret(graph).get(result.rows)! : new Float64Array();
  return { rows: split(rows), expected: split(expected) };
}

const split = (values: ArrayLike<number>): number[][] => {
  const all = Array.from(values);
  return Array.from({ length: all.length / 16 }, (_, i) => all.slice(16 * i, 16 * i + 16));
};

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

function correlation(a: readonly number[], b: readonly number[]): number {
  const [x, y] = [a, b].map((values) => {
    const centre = mean(values);
    return values.map((value) => value - centre);
  });
  const product = (p: readonly number[], q: readonly number[]) => p.reduce((sum, value, i) => sum + value * q[i], 0);
  return product(x, y) / Math.sqrt(product(x, x) * product(y, y));
}

/** Largest distance between two empirical distributions (Kolmogorov and Smirnov). */
function distance(a: readonly number[], b: readonly number[]): number {
  const events = [...a.map((value) => [value, 1 / a.length]), ...b.map((value) => [value, -1 / b.length])];
  events.sort(([x], [y]) => x - y);
  let [sum, largest] = [0, 0];
  for (const [i, [value, weight]] of events.entries()) {
    sum += weight;
    if (events[i + 1]?.[0] !== value) largest = Math.max(largest, Math.abs(sum));
  }
  return largest;
}

const cases: Record<string, DrawOptions> = {
  SimCLR: simclr,
  'strong jitter': { ...simclr, strength: 1.25, jitter: 1 },
  'flat images, often without a fitting crop': { ...simclr, height: 31, width: 97, scale: [0.5, 1] },
  'upright images, never with a fitting crop': { ...simclr, height: 257, width: 64, scale: [1, 1] },
  'one pixel': { ...simclr, height: 1, width: 1 },
  'nothing done': off,
  'BYOL, second view': { ...simclr, saturation: 0.5, blur: 0.1, solarize: 0.2 },
  'MoCo v1': { ...simclr, jitter: 1, hue: 2, grayscaleFirst: true, blur: 0 },
  'a hue that goes around': { ...simclr, hue: 5, strength: 1 },
};

onEveryAdapter((gpu) => {
  it.each(Object.entries(cases))('%s: equal to the reference', async (_name, config) => {
    for (const count of [1, 31, 500]) {
      const { rows, expected } = await draw(gpu(), config, range(count), seeds, true);
      expect(rows.length).toBe(2 * count);
      for (const [i, row] of rows.entries()) {
        for (const [k, value] of row.entries()) {
          // All is exact but for factors and sigma, which are f32.
          const exact = k < 5 || (k > 8 && k !== 14);
          expect(Math.abs(value - expected[i][k]), `row ${i}, number ${k}`).toBeLessThanOrEqual(exact ? 0 : 3e-7);
        }
      }
    }
  });

  it.each([1, 3])('%s views of each sample: the first of them are the same two', async (views) => {
    const { rows, expected } = await draw(gpu(), { ...simclr, views }, range(70), seeds, true);
    const { rows: two } = await draw(gpu(), simclr, range(70));
    expect(rows.length).toBe(views * 70);
    expect(rows.slice(0, 140)).toEqual(two.slice(0, rows.length));
    for (const [i, row] of rows.entries()) expect(row.slice(0, 5), `row ${i}`).toEqual(expected[i].slice(0, 5));
  });

  it('nothing is done where all probabilities are 0', async () => {
    const { rows } = await draw(gpu(), off, range(100));
    for (const row of rows) expect(row).toEqual([0, 0, 96, 96, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
  });

  it('depends on seed, epoch, stream, sample and view, and not on the place in the batch', async () => {
    const { rows } = await draw(gpu(), simclr, range(64));
    const { rows: moved } = await draw(gpu(), simclr, Uint32Array.of(100_000, 63, 5, 5));
    expect(moved[1]).toEqual(rows[63]);
    expect(moved[2]).toEqual(rows[5]);
    expect(moved[3]).toEqual(rows[5]);
    expect(moved[4 + 1]).toEqual(rows[64 + 63]);
    for (let word = 0; word < 4; word++) {
      const { rows: other } = await draw(gpu(), simclr, range(64), seeds.with(word, seeds[word] + 1));
      expect(new Set([...rows, ...other].map((row) => row.slice(0, 4).join())).size).toBeGreaterThan(240);
    }
  });

  it('has the distribution of torchvision', async () => {
    const n = 16_384;
    const { rows } = await draw(gpu(), simclr, range(n));
    const jittered = rows.filter((row) => row[9] > 0);
    const rate = (of: (row: number[]) => boolean, p: number) =>
      expect(Math.abs(rows.filter(of).length / rows.length - p)).toBeLessThan(
        4 * Math.sqrt((p * (1 - p)) / rows.length),
      );
    rate((row) => row[4] === 1, 0.5);
    rate((row) => row[9] > 0, 0.8);
    rate((row) => row[13] === 1, 0.2);
    rate((row) => row[14] > 0, 0.5);

    // Two samples of one distribution are further apart than 1.95 √(2/n) once in a thousand times.
    let counter = 0;
    const uniform = () => lowbias32(++counter * 747796405) / 2 ** 32;
    const crops = Array.from(rows, () =>
      cropParameters(
        simclr,
        (_try, _draw, low, high) => low + uniform() * (high - low),
        (_try, _draw, m) => Math.floor(uniform() * m),
      ),
    );
    const features: ((crop: number[]) => number)[] = [
      ([, , height, width]) => height * width,
      ([, , height, width]) => width / height,
      ([top]) => top,
      ([, left, , width]) => left / (97 - width),
    ];
    for (const feature of features)
      expect(distance(rows.map(feature), crops.map(feature))).toBeLessThan(1.95 * Math.sqrt(2 / rows.length));

    const even = (low: number, high: number) =>
      jittered.map((_, i) => low + ((i + 0.5) / jittered.length) * (high - low));
    for (const [k, low, high] of [
      [5, 0.6, 1.4],
      [6, 0.6, 1.4],
      [7, 0.6, 1.4],
      [8, -0.1, 0.1],
    ]) {
      expect(
        distance(
          jittered.map((row) => row[k]),
          even(low, high),
        ),
      ).toBeLessThan(1.95 / Math.sqrt(jittered.length));
    }

    const orders = new Map<string, number>();
    for (const row of jittered) {
      const order = row.slice(9, 13).join('');
      orders.set(order, (orders.get(order) ?? 0) + 1);
    }
    expect(orders.size).toBe(24);
    const expected = jittered.length / 24;
    const chi2 = [...orders.values()].reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
    expect(chi2).toBeLessThan(49.7); // 23 degrees of freedom: once in a thousand times above

    // The views of a sample, and samples that follow each other, have nothing to do with one another; neither have two draws.
    const limit = 4 / Math.sqrt(n);
    for (const k of [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 14]) {
      const column = rows.map((row) => row[k]);
      expect(Math.abs(correlation(column.slice(0, n), column.slice(n))), `number ${k}, two views`).toBeLessThan(limit);
      expect(Math.abs(correlation(column.slice(1, n), column.slice(0, n - 1))), `number ${k}, neighbours`).toBeLessThan(
        limit,
      );
      const flips = rows.map((row) => row[4]);
      if (k !== 4) expect(Math.abs(correlation(column, flips)), `number ${k} and the flip`).toBeLessThan(limit);
    }
  });
});
