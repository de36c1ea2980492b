import { expect, it } from 'vitest';
import { constant, trace } from '../../src/graph/trace.ts';
import { allPairs, hardTriplets, semiHardTriplets } from '../../src/losses/triplet_mining.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { type Case, noise, sample, testCases, testGradient } from '../ops/harness.ts';
import { values } from './values.ts';

const labelsOf = (count: number) =>
  constant(
    'labels',
    Uint32Array.from({ length: count }, (_, i) => (i % 7 === 6 ? 100 + i : i % 3)),
  );
const minings = { hard: hardTriplets, 'semi-hard': semiHardTriplets } as const;
const distances = ['squared', 'euclidean'] as const;

testCases(
  Object.entries(minings).flatMap(([name, mine]) =>
    distances.map(
      (distance): Case => ({
        name: `${name} triplets, ${distance}, and their gradient`,
        build() {
          const z = sample('z', [13, 5], { seed: 31 });
          // The negative of a pair that has none may be any row.
          const { loss, found } = mine(z, labelsOf(13), { margin: 0.5, distance });
          return { loss, found, dz: gradients(loss, [z])[0] };
        },
      }),
    ),
  ),
);

for (const [name, mine] of Object.entries(minings))
  testGradient(`${name} triplets`, () => {
    const z = sample('z', [7, 3], { seed: 12 });
    const { loss } = mine(z, labelsOf(7), { margin: 0.6 });
    const dy = sample('dy', [1], { offset: 2 });
    return { y: loss, dy, targets: [z], dx: gradients(loss, [z], dy) };
  });

it('semi-hard: of each pair the nearest of another label that is farther, within the margin', () => {
  const [m, d, margin] = [9, 3, 0.7];
  const z = noise(m * d, 8);
  const label = (i: number) => i % 3;
  const distance = (i: number, j: number) =>
    Array.from({ length: d }, (_, c) => (z[i * d + c] - z[j * d + c]) ** 2).reduce((a, b) => a + b);
  const labels = constant(
    'labels',
    Uint32Array.from({ length: m }, (_, i) => label(i)),
  );
  const [[loss], anchor, positive, negative, found] = values(() => {
    const mined = semiHardTriplets(constant('z', z, [m, d]), labels, { margin });
    return [mined.loss, mined.anchor, mined.positive, mined.negative, mined.found];
  });
  let [sum, count] = [0, 0];
  for (const [row, a] of anchor.entries()) {
    const p = positive[row];
    const toPositive = distance(a, p);
    const within = [...Array(m).keys()].filter((j) => {
      const far = distance(a, j);
      return label(j) !== label(a) && far > toPositive && far < toPositive + margin;
    });
    const exists = label(a) === label(p) && within.length > 0;
    expect(found[row]).toBe(exists ? 1 : 0);
    if (!exists) continue;
    const nearest = within.reduce((best, j) => (distance(a, j) < distance(a, best) ? j : best));
    expect(negative[row]).toBe(nearest);
    sum += toPositive - distance(a, nearest) + margin;
    count++;
  }
  expect(count).toBeGreaterThan(2);
  expect(loss).toBeCloseTo(sum / count, 6);
});

it('collapsed embeddings: hard triplets lose the margin, semi-hard ones there are none of', () => {
  const z = constant('z', new Float32Array(12).fill(0.5), [6, 2]);
  const labels = constant('labels', Uint32Array.of(0, 1, 2, 0, 1, 2));
  const [[hard], [semi], found] = values(() => {
    const mined = semiHardTriplets(z, labels, { margin: 0.3 });
    return [hardTriplets(z, labels, { margin: 0.3 }).loss, mined.loss, mined.found];
  });
  expect(hard).toBeCloseTo(0.3, 6);
  expect([semi, ...new Set(found)]).toEqual([0, 0]);
});

it('rows that have no other of their label are left out; where all are, the loss is 0', () => {
  const z = sample('z', [4, 2]);
  const lossOf = (...labels: number[]) =>
    values(() => {
      const { loss, found } = hardTriplets(z, constant('labels', Uint32Array.from(labels)), { margin: 1 });
      return [loss, found];
    });
  expect(lossOf(0, 1, 2, 3)).toEqual([[0], [0, 0, 0, 0]]);
  expect(lossOf(5, 5, 5, 5)).toEqual([[0], [0, 0, 0, 0]]);
  expect(lossOf(5, 5, 6, 7)[1]).toEqual([1, 1, 0, 0]);
});

it('all pairs are ordered, each of two rows', () => {
  const { anchor, positive } = allPairs(3);
  expect([...anchor].map((a, i) => [a, positive[i]])).toEqual([
    [0, 1],
    [0, 2],
    [1, 0],
    [1, 2],
    [2, 0],
    [2, 1],
  ]);
});

it('refuses labels of another number', () => {
  expect(() => trace(() => hardTriplets(sample('z', [4, 2]), labelsOf(3), { margin: 1 }))).toThrow(
    '[hard_triplets] the labels must be one for each row',
  );
});
