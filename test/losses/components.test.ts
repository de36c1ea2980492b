/** Components of nearest-neighbour graphs against a flood fill and a union-find, and the loss that swaps them between views. */
import { describe, expect, it } from 'vitest';
import type { Tensor } from '../../src/graph/tensor.ts';
import { constant, trace } from '../../src/graph/trace.ts';
import { type Agreement, agreement, components, countComponents, nearestOther } from '../../src/losses/components.ts';
import { infoNce } from '../../src/losses/info_nce.ts';
import { supCon } from '../../src/losses/sup_con.ts';
import { infoNceOfCrops, swap, swapOfCrops } from '../../src/losses/swap.ts';
import { add } from '../../src/ops/add.ts';
import { mul } from '../../src/ops/binary.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { l2Normalize } from '../../src/ops/l2_normalize.ts';
import { slice } from '../../src/ops/strided_copy.ts';
import { type Case, noise, sample, testCases, testGradient } from '../ops/harness.ts';
import { interpret } from '../reference/interpreter.ts';

const options = { temperature: 0.2 };

testCases(
  [
    [2, 3],
    [7, 5],
    [65, 33],
  ].map(
    ([rows, columns]): Case => ({
      name: `graph, components, loss and gradients of [${rows}, ${columns}]`,
      build() {
        const [v1, v2] = [sample('v1', [rows, columns], { seed: 51 }), sample('v2', [rows, columns], { seed: 52 })];
        const { loss, labels } = swap(v1, v2, options);
        const [dv1, dv2] = gradients(loss, [v1, v2]);
        const truth = constant(
          'truth',
          Uint32Array.from({ length: rows }, (_, i) => i % 3),
        );
        const agreed = agreement(labels[0], truth, 3);
        return {
          ...agreed,
          nearest: nearestOther(v1),
          labels: labels[0],
          count: countComponents(labels[0]),
          loss,
          dv1,
          dv2,
        };
      },
    }),
  ),
);

// Of few rows in many dimensions the labels do not change within a step of the differences.
testGradient('swapped SupCon', () => {
  const [v1, v2] = [sample('v1', [5, 4], { seed: 61 }), sample('v2', [5, 4], { seed: 62 })];
  const { loss: y } = swap(v1, v2, options);
  const dy = sample('dy', [1], { offset: 2 });
  return { y, dy, targets: [v1, v2], dx: gradients(y, [v1, v2], dy) };
});

const interpreted = (build: () => Tensor): number[] => {
  const { graph, result } = trace(build);
  return [...interpret(graph).get(result)!];
};

const rowsOf = (values: Float32Array, columns: number): Tensor =>
  constant('v', values, [values.length / columns, columns]);
const labelsOfRows = (values: Float32Array, columns: number) =>
  interpreted(() => components(nearestOther(rowsOf(values, columns))));
const labelsOfGraph = (nearest: readonly number[]) =>
  interpreted(() => components(constant('nearest', Uint32Array.from(nearest))));

/** The nearest other row of each by cosine, of equals the first, in float64. */
function nearestByLoops(values: Float32Array, columns: number): number[] {
  const rows = Array.from({ length: values.length / columns }, (_, i) => {
    const row = values.subarray(i * columns, (i + 1) * columns);
    return Array.from(row, (value) => value / Math.hypot(...row));
  });
  const cosine = (a: number[], b: number[]) => a.reduce((sum, value, c) => sum + value * b[c], 0);
  return rows.map((row, i) => {
    const found = rows.map((other, j) => (i === j ? Number.NEGATIVE_INFINITY : cosine(row, other)));
    return found.indexOf(Math.max(...found));
  });
}

/** The smallest row of each component, by spreading from one row after another over the edges. */
function floodFill(nearest: readonly number[]): number[] {
  const labels = new Array<number>(nearest.length).fill(-1);
  const spread = (row: number, label: number): void => {
    if (labels[row] >= 0) return;
    labels[row] = label;
    nearest.forEach((other, i) => {
      if (i === row) spread(other, label);
      else if (other === row) spread(i, label);
    });
  };
  nearest.forEach((_, row) => spread(row, row));
  return labels;
}

/** The same by union-find: the smaller root stays. */
function unionFind(nearest: readonly number[]): number[] {
  const parents = nearest.map((_, i) => i);
  const rootOf = (row: number): number => (parents[row] === row ? row : rootOf(parents[row]));
  nearest.forEach((other, row) => {
    const [a, b] = [rootOf(row), rootOf(other)];
    parents[Math.max(a, b)] = Math.min(a, b);
  });
  return parents.map((_, row) => rootOf(row));
}

const shuffled = (count: number, seed: number): number[] =>
  Array.from(noise(count, seed), (value, i) => [value, i] as const)
    .sort(([a], [b]) => a - b)
    .map(([, i]) => i);

describe('components', () => {
  const batches = [2, 3, 4, 5, 9, 16, 17, 33, 64, 100].map((count, i) => [count, noise(count * 4, 70 + i)] as const);

  it('equal those of a flood fill and of a union-find, each with two rows at least', () => {
    for (const [count, values] of batches) {
      const nearest = nearestByLoops(values, 4);
      const labels = labelsOfRows(values, 4);
      expect(labels, `${count} rows`).toEqual(floodFill(nearest));
      expect(labels).toEqual(unionFind(nearest));
      const sizes = labels.map((label) => labels.filter((other) => other === label).length);
      expect(Math.min(...sizes)).toBeGreaterThanOrEqual(2);
      expect(interpreted(() => countComponents(constant('labels', Uint32Array.from(labels))))).toEqual([
        new Set(labels).size,
      ]);
    }
  });

  it('follow the rows wherever these stand', () => {
    const [, values] = batches.at(-1)!;
    const order = shuffled(100, 5);
    const moved = Float32Array.from({ length: 400 }, (_, i) => values[order[Math.floor(i / 4)] * 4 + (i % 4)]);
    const [labels, ofMoved] = [labelsOfRows(values, 4), labelsOfRows(moved, 4)];
    const together = (of: readonly number[], a: number, b: number) => of[a] === of[b];
    for (let a = 0; a < 100; a++)
      for (let b = 0; b < 100; b++) expect(together(ofMoved, a, b)).toBe(together(labels, order[a], order[b]));
  });

  it('of equal similarities are found too: ties go to the first row, and no walk turns in a circle', () => {
    expect(labelsOfRows(new Float32Array(24).fill(0.5), 4)).toEqual([0, 0, 0, 0, 0, 0]);
    const square = Float32Array.of(1, 0, 0, 1, -1, 0, 0, -1); // each has two nearest
    expect(labelsOfRows(square, 2)).toEqual([0, 0, 0, 0]);
    const twice = Float32Array.of(1, 0, -1, 0, 1, 0, -1, 0);
    expect(labelsOfRows(twice, 2)).toEqual([0, 1, 0, 1]);
  });

  it('are found at the end of the longest walk: every row’s nearest is the one before it', () => {
    for (const count of [2, 3, 5, 8, 9, 64, 65]) {
      const chain = Array.from({ length: count }, (_, i) => (i === 0 ? 1 : i - 1));
      expect(labelsOfGraph(chain)).toEqual(new Array(count).fill(0));
      const backwards = Array.from({ length: count }, (_, i) => (i === count - 1 ? i - 1 : i + 1));
      expect(labelsOfGraph(backwards)).toEqual(new Array(count).fill(0));
    }
  });
});

describe('agreement with classes', () => {
  const u32 = (values: number[]) => constant('u32', Uint32Array.from(values));
  const agreed = (labels: number[], truth: number[], names: (keyof Agreement)[] = ['purity', 'joined']) =>
    names.map((name) => interpreted(() => agreement(u32(labels), u32(truth), 3)[name])[0]);

  it('is counted by hand', () => {
    expect(agreed([0, 0, 2, 2], [1, 1, 2, 2])).toEqual([1, 1]);
    expect(agreed([0, 0, 0, 0], [1, 1, 2, 2])).toEqual([0.5, 1]);
    expect(agreed([0, 1, 0, 1], [1, 1, 2, 2])).toEqual([0.5, 0]);
    expect(agreed([0, 0, 2, 2, 2], [0, 0, 0, 0, 1])).toEqual([expect.closeTo(0.8, 6), 1 / 3]);
    expect(agreed([0, 0, 0], [0, 1, 2])).toEqual([expect.closeTo(1 / 3, 6), 0]); // no two of a class
  });

  it('by chance is that of the same components where each row has the class of the next', () => {
    // Classes of the next rows: 2, 2 | 0, 0, 1.
    expect(agreed([0, 0, 2, 2, 2], [1, 2, 2, 0, 0], ['shuffledPurity'])[0]).toBeCloseTo(4 / 5, 6);
  });

  it('by chance is, over many batches, what dealing the classes anew gives, however components follow classes', () => {
    // Pairs of one class, in random order. Classes dealt anew are alike in 3 of 11 pairs, and half of a pair is right in the others.
    const found = Array.from({ length: 200 }, (_, seed) => {
      const images = shuffled(12, seed + 1);
      const labels = images.map((image, row) => Math.min(row, images.indexOf(image ^ 1)));
      const truth = images.map((image) => (image >> 1) % 3);
      const [purity, byChance] = agreed(labels, truth, ['purity', 'shuffledPurity']);
      expect(purity).toBeCloseTo(1, 6);
      return byChance;
    });
    expect(Math.abs(found.reduce((a, b) => a + b) / found.length - (1 + 3 / 11) / 2)).toBeLessThan(0.02);
  });
});

describe('swapped SupCon', () => {
  it('of equal embeddings is log(N − 1) for each view', () => {
    for (const count of [2, 6, 33]) {
      const equal = () => constant('v', new Float32Array(count * 3).fill(0.5), [count, 3]);
      expect(interpreted(() => swap(equal(), equal(), options).loss)[0]).toBeCloseTo(2 * Math.log(count - 1), 8);
    }
  });

  it('does not change when a view’s rows move and the other’s with them, and labels are of the other view', () => {
    const [v1, v2] = [noise(48, 91), noise(48, 92)];
    const order = shuffled(12, 6);
    const move = (values: Float32Array) =>
      Float32Array.from({ length: 48 }, (_, i) => values[order[Math.floor(i / 4)] * 4 + (i % 4)]);
    const loss = (a: Float32Array, b: Float32Array) =>
      interpreted(() => swap(rowsOf(a, 4), rowsOf(b, 4), options).loss)[0];
    expect(loss(move(v1), move(v2))).toBeCloseTo(loss(v1, v2), 10);
    expect(Math.abs(loss(move(v1), v2) - loss(v1, v2))).toBeGreaterThan(0.01);
    expect(loss(v2, v1)).toBeCloseTo(loss(v1, v2), 10);
  });

  it('refuses a batch of one', () => {
    expect(() => interpreted(() => nearestOther(sample('v', [1, 2])))).toThrow(
      '[nearest_other] the input must be a matrix',
    );
  });
});

describe('small crops', () => {
  const [count, crops] = [5, 3];
  const embeddings = (seed: number, views = 1) => sample('z', [views * count, 4], { seed });
  const labelled = (...labels: number[]) => constant('labels', Uint32Array.from(labels));
  const labels = () => [labelled(0, 0, 2, 2, 2), labelled(0, 1, 0, 1, 1)] as const;
  const crop = (of: Tensor, m: number) => slice(of, 0, m * count, (m + 1) * count);
  const meanOf = (build: (m: number) => Tensor) =>
    [0, 1, 2].map((m) => interpreted(() => build(m))[0]).reduce((a, b) => a + b) / crops;

  it('have the labels of both views: the mean over crops of the sum of both', () => {
    const [v, [y1, y2]] = [embeddings(101, crops), labels()];
    const wanted = meanOf((m) => add(supCon(crop(v, m), y1, options), supCon(crop(v, m), y2, options)));
    expect(interpreted(() => swapOfCrops(v, [y1, y2], options))[0]).toBeCloseTo(wanted, 6); // 1/3 is a constant of f32
  });

  it('look for their images in both views', () => {
    const [z, z1, z2] = [embeddings(102, crops), embeddings(103), embeddings(104)];
    const wanted = meanOf((m) => {
      const [one, other] = [z1, z2].map((keys) => infoNce(l2Normalize(crop(z, m)), l2Normalize(keys), options).loss);
      return mul(add(one, other), 0.5);
    });
    expect(interpreted(() => infoNceOfCrops(z, [z1, z2], options))[0]).toBeCloseTo(wanted, 10);
  });

  it('all equal are log N and 2 log(N − 1)', () => {
    const equal = (rows: number) => constant('equal', new Float32Array(rows * 4).fill(0.5), [rows, 4]);
    const keys = [equal(count), equal(count)] as const;
    expect(interpreted(() => infoNceOfCrops(equal(15), keys, options))[0]).toBeCloseTo(Math.log(5), 8);
    expect(interpreted(() => swapOfCrops(equal(15), labels(), options))[0]).toBeCloseTo(2 * Math.log(4), 6);
    expect(() => interpreted(() => swapOfCrops(equal(14), labels(), options))).toThrow(
      '[swap_of_crops] the input must',
    );
  });

  testGradient('small crops', () => {
    const [z, z1, z2] = [embeddings(105, crops), embeddings(106), embeddings(107)];
    const y = add(infoNceOfCrops(z, [z1, z2], options), swapOfCrops(z, labels(), options));
    const dy = sample('dy', [1], { offset: 2 });
    return { y, dy, targets: [z, z1, z2], dx: gradients(y, [z, z1, z2], dy) };
  });
});
