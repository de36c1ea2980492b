import { expect, it } from 'vitest';
import { constant, trace } from '../../src/graph/trace.ts';
import { ntXent } from '../../src/losses/nt_xent.ts';
import {
  type CancellationOptions,
  falseNegativeCancellation,
  nearestPositives,
} from '../../src/losses/positive_sets.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { type Case, noise, sample, testCases, testGradient } from '../ops/harness.ts';
import { values } from './values.ts';

const attract: CancellationOptions = { temperature: 0.3, topK: 2, threshold: 0.1, aggregate: 'max', cancel: 'attract' };
const kinds: readonly CancellationOptions[] = [
  attract,
  { ...attract, cancel: 'eliminate' },
  { ...attract, aggregate: 'mean', threshold: -1 },
];

testCases([
  ...[0, 1, 3].map(
    (nearest): Case => ({
      name: `${nearest} nearest positives and the gradient`,
      build() {
        const z = sample('z', [18, 5], { seed: 50 });
        const { loss, accuracy } = nearestPositives(z, { temperature: 0.3, nearest });
        return { loss, accuracy, dz: gradients(loss, [z])[0] };
      },
    }),
  ),
  ...kinds.map(
    (options): Case => ({
      name: `false-negative cancellation ${JSON.stringify(options)} and the gradient`,
      build() {
        const [z, support] = [sample('z', [18, 5], { seed: 51 }), sample('support', [27, 5], { seed: 52 })];
        const { loss, accuracy, falseNegatives } = falseNegativeCancellation(z, support, options);
        return { loss, accuracy, falseNegatives, dz: gradients(loss, [z])[0] };
      },
    }),
  ),
]);

testGradient('nearest positives', () => {
  const z = sample('z', [8, 4], { seed: 53 });
  const { loss } = nearestPositives(z, { temperature: 0.4, nearest: 2 });
  const dy = sample('dy', [1], { offset: 2 });
  return { y: loss, dy, targets: [z], dx: gradients(loss, [z], dy) };
});

for (const options of kinds)
  testGradient(`false-negative cancellation ${JSON.stringify(options)}`, () => {
    const [z, support] = [sample('z', [8, 4], { seed: 54 }), sample('support', [8, 4], { seed: 55 })];
    const { loss } = falseNegativeCancellation(z, support, options);
    const dy = sample('dy', [1], { offset: 2 });
    return { y: loss, dy, targets: [z], dx: gradients(loss, [z], dy) };
  });

const [n, d, views] = [4, 3, 2];
const [z, support] = [noise(2 * n * d, 16), noise(views * n * d, 17)];
const unitRows = (values: Float32Array) =>
  Array.from({ length: values.length / d }, (_, i) => {
    const row = Array.from(values.subarray(i * d, (i + 1) * d));
    return row.map((value) => value / Math.hypot(...row));
  });
const [unit, supports] = [unitRows(z), unitRows(support)];
const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, value, i) => sum + value * b[i], 0);
const othersOf = (i: number) => [...unit.keys()].filter((j) => j % n !== i % n);
const tensors = () => [constant('z', z, [2 * n, d]), constant('support', support, [views * n, d])] as const;

/** The mean over positives of −log of their share among candidates. */
function lossOf(temperature: number, positives: (i: number) => number[], candidates: (i: number) => number[]): number {
  const s = (i: number, j: number) => dot(unit[i], unit[j]) / temperature;
  const terms = unit.map((_, i) => {
    const whole = Math.log(candidates(i).reduce((sum, k) => sum + Math.exp(s(i, k)), 0));
    const chosen = positives(i);
    return chosen.reduce((sum, p) => sum + whole - s(i, p), 0) / chosen.length;
  });
  return terms.reduce((a, b) => a + b) / terms.length;
}
const pairOf = (i: number) => (i + n) % (2 * n);
const allBut = (i: number) => [...unit.keys()].filter((j) => j !== i);

it('the nearest positives are the most similar views of other images; none is NT-Xent', () => {
  const nearest = (i: number) =>
    othersOf(i)
      .sort((a, b) => dot(unit[i], unit[b]) - dot(unit[i], unit[a]))
      .slice(0, 2);
  const [[two], [none], [plain]] = values(() => [
    nearestPositives(tensors()[0], { temperature: 0.3, nearest: 2 }).loss,
    nearestPositives(tensors()[0], { temperature: 0.3, nearest: 0 }).loss,
    ntXent(tensors()[0], { temperature: 0.3 }).loss,
  ]);
  expect(two).toBeCloseTo(
    lossOf(0.3, (i) => [pairOf(i), ...nearest(i)], allBut),
    6,
  );
  expect(none).toBeCloseTo(plain, 9);
});

it.each(kinds)('false negatives are what the support finds: %o', (options) => {
  const { temperature, topK, threshold, aggregate, cancel } = options;
  const score = (i: number, k: number) => {
    const cosines = Array.from({ length: views }, (_, v) => dot(supports[v * n + (i % n)], unit[k]));
    return aggregate === 'max' ? Math.max(...cosines) : cosines.reduce((a, b) => a + b) / views;
  };
  const found = (i: number) =>
    othersOf(i)
      .sort((a, b) => score(i, b) - score(i, a))
      .slice(0, topK as number)
      .filter((k) => score(i, k) > threshold);
  const expected =
    cancel === 'attract'
      ? lossOf(temperature as number, (i) => [pairOf(i), ...found(i)], allBut)
      : lossOf(
          temperature as number,
          (i) => [pairOf(i)],
          (i) => allBut(i).filter((k) => !found(i).includes(k)),
        );
  const [[loss], mask] = values(() => {
    const result = falseNegativeCancellation(...tensors(), options);
    return [result.loss, result.falseNegatives];
  });
  expect(loss).toBeCloseTo(expected, 6);
  unit.forEach((_, i) => {
    const mine = [...unit.keys()].filter((k) => mask[i * 2 * n + k] === 1);
    expect(mine).toEqual(found(i).sort((a, b) => a - b));
  });
});

it('no false negatives: NT-Xent, either way; the support has no gradient', () => {
  const [z, support] = [sample('z', [6, 3]), sample('support', [3, 3])];
  for (const options of [
    { ...attract, topK: 0 },
    { ...attract, cancel: 'eliminate' as const, threshold: 1 },
  ]) {
    const [[loss], [plain]] = values(() => [
      falseNegativeCancellation(z, support, options).loss,
      ntXent(z, { temperature: 0.3 }).loss,
    ]);
    expect(loss).toBeCloseTo(plain, 9);
  }
  expect(() => trace(() => gradients(falseNegativeCancellation(z, support, attract).loss, [support]))).toThrow(
    'the loss does not depend on',
  );
});

it('refuses a support that is not of the images', () => {
  expect(() => trace(() => falseNegativeCancellation(sample('z', [6, 3]), sample('support', [4, 3]), attract))).toThrow(
    '[false_negative_cancellation] the support must have S rows for each image',
  );
});
