import { expect, it } from 'vitest';
import type { Tensor } from '../../src/graph/tensor.ts';
import { constant, trace } from '../../src/graph/trace.ts';
import { infoNce, symmetricInfoNce } from '../../src/losses/info_nce.ts';
import { marginContrastive, marginOfPairs } from '../../src/losses/margin_contrastive.ts';
import { nceOfPairs } from '../../src/losses/nce.ts';
import { pairSimilarities } from '../../src/losses/pairs.ts';
import { tripletsOfPairs } from '../../src/losses/triplet_mining.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { type Case, noise, sample, testCases, testGradient } from '../ops/harness.ts';
import { values } from './values.ts';

const losses = {
  nce: (z: Tensor) => nceOfPairs(z, { temperature: 0.3 }),
  margin: (z: Tensor) => marginOfPairs(z, { margin: 1.2 }),
  'triplet-hard': (z: Tensor) => tripletsOfPairs(z, { kind: 'hard', margin: 0.3 }),
  'triplet-semi-hard': (z: Tensor) => tripletsOfPairs(z, { kind: 'semi-hard', margin: 0.8 }),
};

testCases(
  Object.entries(losses).flatMap(([name, of]) =>
    [2, 17].map(
      (n): Case => ({
        name: `${name} of ${n} pairs and its gradient`,
        build() {
          const z = sample('z', [2 * n, 5], { seed: 40 + n });
          const { loss, accuracy } = of(z);
          return { loss, accuracy, dz: gradients(loss, [z], sample('dloss', [1], { offset: 3 }))[0] };
        },
      }),
    ),
  ),
);

// NCE's normaliser is a constant to its gradient, so that central differences are not of it.
for (const [name, of] of Object.entries(losses).filter(([name]) => name !== 'nce'))
  testGradient(`${name} of pairs`, () => {
    const z = sample('z', [8, 4], { seed: 9 });
    const { loss } = of(z);
    const dy = sample('dloss', [1], { offset: 2 });
    return { y: loss, dy, targets: [z], dx: gradients(loss, [z], dy) };
  });

const [n, d] = [4, 3];
const z = noise(2 * n * d, 6);
const rows = Array.from({ length: 2 * n }, (_, i) => Array.from(z.subarray(i * d, (i + 1) * d)));
const unit = rows.map((row) => row.map((value) => value / Math.hypot(...row)));
const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, value, i) => sum + value * b[i], 0);
const othersOf = (i: number) => [...unit.keys()].filter((j) => j % n !== i % n);

it('similarities of pairs: of each view with its pair, and with all views of other images', () => {
  const [positives, negatives] = values(() => {
    const { positives, negatives } = pairSimilarities(constant('z', Float32Array.from(z), [2 * n, d]));
    return [positives, negatives];
  });
  for (const [i, row] of rows.entries()) {
    expect(positives[i]).toBeCloseTo(dot(row, rows[(i + n) % (2 * n)]), 6);
    const mine = negatives.slice(i * (2 * n - 2), (i + 1) * (2 * n - 2)).sort((a, b) => a - b);
    const expected = othersOf(i).map((j) => dot(row, rows[j]));
    expected.sort((a, b) => a - b).forEach((value, j) => expect(mine[j]).toBeCloseTo(value, 6));
  }
});

it('NCE of pairs: a logistic regression against as many samples of noise as there are other views', () => {
  const [temperature, k] = [0.3, 2 * n - 2];
  const s = (i: number, j: number) => dot(unit[i], unit[j]) / temperature;
  const all = unit.flatMap((_, i) => othersOf(i).map((j) => Math.exp(s(i, j))));
  const normalizer = Math.log(all.reduce((a, b) => a + b) / all.length);
  const logit = (i: number, j: number) => s(i, j) - normalizer - Math.log(k);
  const terms = unit.map(
    (_, i) =>
      Math.log1p(Math.exp(-logit(i, (i + n) % (2 * n)))) +
      othersOf(i).reduce((sum, j) => sum + Math.log1p(Math.exp(logit(i, j))), 0),
  );
  const [[loss]] = values(() => [nceOfPairs(constant('z', z, [2 * n, d]), { temperature }).loss]);
  expect(loss).toBeCloseTo(terms.reduce((a, b) => a + b) / (2 * n), 6);
});

it('margin of pairs: the losses of Hadsell of all pairs of one kind, and of all of the other', () => {
  const margin = 1.4;
  const ofKind = (pairs: readonly (readonly [number, number])[], same: number) => {
    const of = (k: 0 | 1) =>
      constant('rows', Float32Array.from(pairs.flatMap((pair) => unit[pair[k]])), [pairs.length, d]);
    return marginContrastive(of(0), of(1), constant('same', new Float32Array(pairs.length).fill(same)), { margin });
  };
  const alike = unit.map((_, i) => [i, (i + n) % (2 * n)] as const);
  const apart = unit.flatMap((_, i) => othersOf(i).map((j) => [i, j] as const));
  const [[loss], [first], [second]] = values(() => [
    marginOfPairs(constant('z', z, [2 * n, d]), { margin }).loss,
    ofKind(alike, 1),
    ofKind(apart, 0),
  ]);
  expect(loss).toBeCloseTo(first + second, 6);
});

it('InfoNCE in both directions is the mean of two', () => {
  const [a, b] = [sample('a', [5, 4]), sample('b', [5, 4])];
  const options = { temperature: 0.4 };
  const [[both], [there], [back]] = values(() => [
    symmetricInfoNce(a, b, options).loss,
    infoNce(a, b, options).loss,
    infoNce(b, a, options).loss,
  ]);
  expect(both).toBeCloseTo((there + back) / 2, 12);
});

it('refuses one pair', () => {
  for (const of of Object.values(losses))
    expect(() => trace(() => of(sample('z', [2, 3])))).toThrow('the input must be a matrix of 2N rows');
});
