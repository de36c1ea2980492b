import { cosineSimilarity } from '../../src/ops/cosine_similarity.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { l2Normalize } from '../../src/ops/l2_normalize.ts';
import { type Case, sample, testCases, testGradient } from './harness.ts';

const shapes = [
  [1, 1],
  [7, 3],
  [64, 4],
  [65, 129],
  [3, 1031],
  [200, 128],
];

const normalizeCase = ([rows, columns]: number[], scale = 1, eps?: number): Case => ({
  name: `l2_normalize [${rows}, ${columns}] of values up to ${scale}${eps ? `, eps ${eps}` : ''}`,
  build() {
    const x = sample('x', [rows, columns], { scale });
    const y = l2Normalize(x, eps);
    const [dx] = gradients(y, [x], sample('dy', [rows, columns]));
    // A row of one element has no direction to turn in: dx is zero but for rounding, which no relative error can judge.
    return { y, ...(columns > 1 && { dx }) };
  },
});

const cosineCase = (m: number, n: number, d: number): Case => ({
  name: `cosine_similarity [${m}, ${d}] with [${n}, ${d}]`,
  build() {
    const a = sample('a', [m, d]);
    const b = sample('b', [n, d], { scale: 30 });
    const y = cosineSimilarity(a, b);
    const [da, db] = gradients(y, [a, b], sample('dy', [m, n]));
    return { y, da, db };
  },
});

testCases([
  ...shapes.map((shape) => normalizeCase(shape)),
  normalizeCase([9, 17], 1e-10),
  normalizeCase([9, 17], 1e12),
  normalizeCase([40, 5], 1, 1.2), // some rows shorter than eps, some longer
  cosineCase(5, 1, 3),
  cosineCase(33, 20, 64),
  cosineCase(7, 130, 127),
  {
    name: 'cosine_similarity of a tensor with itself',
    build() {
      const a = sample('a', [19, 6]);
      const y = cosineSimilarity(a, a);
      const [da] = gradients(y, [a], sample('dy', [19, 19]));
      return { y, da };
    },
  },
]);

testGradient('l2_normalize', () => {
  const x = sample('x', [7, 5]);
  const y = l2Normalize(x);
  const dy = sample('dy', [7, 5]);
  return { y, dy, targets: [x], dx: gradients(y, [x], dy) };
});

testGradient('cosine_similarity', () => {
  const a = sample('a', [4, 5]);
  const b = sample('b', [3, 5]);
  const y = cosineSimilarity(a, b);
  const dy = sample('dy', [4, 3]);
  return { y, dy, targets: [a, b], dx: gradients(y, [a, b], dy) };
});
