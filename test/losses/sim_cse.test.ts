import { expect, it } from 'vitest';
import { constant, trace } from '../../src/graph/trace.ts';
import { supervisedSimCse } from '../../src/losses/sim_cse.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { type Case, sample, testCases, testGradient } from '../ops/harness.ts';
import { interpret } from '../reference/interpreter.ts';

testCases(
  ([2, 3] as const).flatMap((columns) =>
    [
      [2, 3],
      [9, 5],
      [33, 64],
    ].map(
      ([N, D]): Case => ({
        name: `SimCSE of ${columns} columns and its gradient, N = ${N}, D = ${D}`,
        build() {
          const z = sample('z', [columns * N, D]);
          const { loss, accuracy } = supervisedSimCse(z, columns, { temperature: 0.5 });
          return { loss, accuracy, dz: gradients(loss, [z])[0] };
        },
      }),
    ),
  ),
);

testGradient('SimCSE of triplets', () => {
  const z = sample('z', [9, 4]);
  const { loss } = supervisedSimCse(z, 3, { temperature: 0.3 });
  const dy = sample('dloss', [1], { offset: 2 });
  return { y: loss, dy, targets: [z], dx: gradients(loss, [z], dy) };
});

/** Loss, accuracy and gradient of rows of two numbers. */
const of = (rows: readonly (readonly [number, number])[], columns: 2 | 3, temperature = 1) => {
  const { graph, result } = trace(() => {
    const z = constant('z', Float32Array.from(rows.flat()), [rows.length, 2]);
    const { loss, accuracy } = supervisedSimCse(z, columns, { temperature });
    return { loss, accuracy, dz: gradients(loss, [z])[0] };
  });
  const all = interpret(graph);
  return { loss: all.get(result.loss)![0], accuracy: all.get(result.accuracy)![0], dz: [...all.get(result.dz)!] };
};

const [right, up] = [
  [1, 0],
  [0, 1],
] as const;

it('is that of guessing where all are equal: log N of pairs, log 2N of triplets', () => {
  expect(of(Array(6).fill(right), 2).loss).toBeCloseTo(Math.log(3), 6);
  expect(of(Array(9).fill(right), 3).loss).toBeCloseTo(Math.log(6), 6);
});

it('sees hard negatives, those of other anchors too, and is pushed away from them', () => {
  const pairs = [right, up, right, up] as const;
  const [without, far, near] = [
    of(pairs, 2),
    of([...pairs, [-1, 0], [0, -1]], 3),
    of([...pairs, [-1, 0], [1, 0.01]], 3),
  ];
  // Each anchor: its positive at cosine 1, the other at 0, and negatives at −1 and 0.
  expect(without.loss).toBeCloseTo(Math.log(1 + Math.exp(-1)), 6);
  expect(far.loss).toBeCloseTo(Math.log(1 + 2 * Math.exp(-1) + Math.exp(-2)), 6);
  expect(near.loss).toBeGreaterThan(far.loss);
  expect([without.accuracy, far.accuracy, near.accuracy]).toEqual([1, 1, 1]);
  // A descent takes the negative [1, 1] of an anchor [1, 0] away from it.
  const [x, y] = of([right, right, [1, 1]], 3).dz.slice(4);
  expect(x).toBeGreaterThan(0);
  expect(y).toBeLessThan(0);
  const wrong = of([...pairs.slice(0, 2), [1, 0.5], up, [1, 0.1], [0, -1]], 3);
  expect(wrong.accuracy).toBe(0.5);
});

it('needs whole triplets', () => {
  expect(() => of(Array(8).fill(right), 3)).toThrow('must be a matrix of 3 N rows');
});
