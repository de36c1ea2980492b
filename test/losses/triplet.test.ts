import { expect, it } from 'vitest';
import { constant, input, trace } from '../../src/graph/trace.ts';
import { triplet } from '../../src/losses/triplet.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { type Case, sample, testCases, testGradient } from '../ops/harness.ts';
import { interpret } from '../reference/interpreter.ts';

const distances = ['squared', 'euclidean'] as const;

const tripletCase = (
  distance: (typeof distances)[number],
  n: number,
  d: number,
  dtype: 'f32' | 'f16' = 'f32',
): Case => ({
  name: `triplet, ${distance}, [${n}, ${d}] and its gradients, ${dtype}`,
  ...(dtype === 'f16' && { feature: 'shader-f16' }),
  build() {
    const rows = ['anchor', 'positive', 'negative'].map((name) => sample(name, [n, d], { dtype }));
    const loss = triplet(rows[0], rows[1], rows[2], { margin: 0.7, distance });
    const [da, dp, dn] = gradients(loss, rows, sample('dloss', [1], { offset: 3 }));
    return { loss, da, dp, dn };
  },
  tolerance: 3e-6,
});

testCases([
  ...distances.flatMap((distance) => [
    tripletCase(distance, 7, 5),
    tripletCase(distance, 65, 67),
    tripletCase(distance, 5, 13, 'f16'),
  ]),
  {
    name: 'an anchor that is its own positive has a gradient',
    build() {
      const anchor = sample('anchor', [2, 3], { seed: 7 });
      const negative = sample('negative', [2, 3], { seed: 8 });
      const loss = triplet(anchor, anchor, negative, { margin: 5, distance: 'euclidean' });
      return { loss, da: gradients(loss, [anchor])[0] };
    },
  },
]);

for (const distance of distances) {
  testGradient(`triplet, ${distance}`, () => {
    const targets = ['anchor', 'positive', 'negative'].map((name, i) => sample(name, [4, 3], { seed: 20 + i }));
    const y = triplet(targets[0], targets[1], targets[2], { margin: 0.7, distance });
    const dy = sample('dloss', [1], { offset: 3 });
    return { y, dy, targets, dx: gradients(y, targets, dy) };
  });
}

it('triplet by hand', () => {
  const rows = (...values: number[]) => constant('rows', Float32Array.from(values), [2, 2]);
  const loss = (distance: (typeof distances)[number]) => {
    // From the anchors (0, 0): positives at 5 and 1, negatives at 13 and 10.
    const { graph, result } = trace(() =>
      triplet(rows(0, 0, 0, 0), rows(3, 4, 0, 1), rows(5, 12, 6, 8), { margin: 8.5, distance }),
    );
    return interpret(graph).get(result)![0];
  };
  expect(loss('squared')).toBe(0);
  expect(loss('euclidean')).toBe((5 - 13 + 8.5 + 0) / 2);
});

it('triplet refuses rows of two lengths, and what is no matrix', () => {
  const [a, b] = [input('a', [4, 3], 'f32'), input('b', [4, 2], 'f32')];
  expect(() => trace(() => triplet(a, a, b, { margin: 1 }))).toThrow('[distance] both inputs must have one shape');
  const c = input('c', [4], 'f32');
  expect(() => trace(() => triplet(c, c, c, { margin: 1 }))).toThrow('[distance] the inputs must be matrices');
});
