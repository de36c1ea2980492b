import { expect, it } from 'vitest';
import type { Tensor } from '../../src/graph/tensor.ts';
import { constant, trace } from '../../src/graph/trace.ts';
import { sinkhorn } from '../../src/losses/sinkhorn.ts';
import { mul } from '../../src/ops/binary.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { sum } from '../../src/ops/reduce.ts';
import { noise, sample, testCases } from '../ops/harness.ts';
import { interpret } from '../reference/interpreter.ts';

/** An ε that f32 has exactly. */
const options = { epsilon: 1 / 16, iterations: 3 };

testCases(
  [
    [2, 3],
    [70, 5],
    [9, 130],
  ].map((shape) => ({
    name: `codes of [${shape.join(', ')}]`,
    build: () => ({ codes: sinkhorn(sample('scores', shape), options) }),
  })),
);

const codesOf = (values: Float32Array, rows: number, given = options): Float64Array => {
  const build = () => sinkhorn(constant('scores', values, [rows, values.length / rows]), given);
  const { graph, result } = trace(build);
  return interpret(graph).get(result)!;
};

/** As the paper has it: exponentials and their sums, in float64. */
function plain(values: Float32Array, rows: number, { epsilon, iterations } = options): number[] {
  const columns = values.length / rows;
  const q = Array.from(values, (value) => Math.exp(value / epsilon));
  const scale = (members: number[], total: number) => {
    const sum = members.reduce((a, i) => a + q[i], 0);
    for (const i of members) q[i] *= total / sum;
  };
  const all = q.map((_, i) => i);
  for (let round = 0; round < iterations; round++) {
    for (let k = 0; k < columns; k++)
      scale(
        all.filter((i) => i % columns === k),
        1 / columns,
      );
    for (let b = 0; b < rows; b++)
      scale(
        all.filter((i) => Math.floor(i / columns) === b),
        1 / rows,
      );
  }
  return q.map((value) => value * rows);
}

it('is what exponentials give where they fit', () => {
  const values = noise(8 * 5, 3);
  codesOf(values, 8).forEach((value, i) => expect(value).toBeCloseTo(plain(values, 8)[i], 10));
});

it('rows sum to one; after many rounds all prototypes have the same share', () => {
  const codes = codesOf(noise(12 * 4, 5), 12, { epsilon: 0.25, iterations: 100 });
  const totals = (key: (i: number) => number, count: number) =>
    Array.from({ length: count }, (_, k) => codes.reduce((a, value, i) => a + (key(i) === k ? value : 0), 0));
  for (const total of totals((i) => Math.floor(i / 4), 12)) expect(total).toBeCloseTo(1, 12);
  for (const total of totals((i) => i % 4, 4)) expect(total).toBeCloseTo(3, 6);
});

it('of equal scores is uniform, and a number added to all scores of a prototype changes nothing', () => {
  for (const value of codesOf(new Float32Array(6 * 4).fill(0.3), 6)) expect(value).toBeCloseTo(1 / 4, 12);
  const values = noise(6 * 4, 7);
  const shifted = values.map((value, i) => value + (i % 4 === 1 ? 0.5 : 0));
  const [one, other] = [codesOf(values, 6), codesOf(shifted, 6)];
  for (const [i, value] of one.entries()) expect(other[i]).toBeCloseTo(value, 5);
});

it('is constant to whoever differentiates', () => {
  const scores = sample('scores', [4, 3]);
  const gradientOf = (weights: Tensor) => () => gradients(sum(mul(sinkhorn(scores, options), weights)), [scores]);
  expect(() => trace(gradientOf(sample('weights', [4, 3])))).toThrow('the loss does not depend on');
});

it('refuses what are no scores, no ε and no rounds', () => {
  const of = (shape: number[], given: typeof options) => () => trace(() => sinkhorn(sample('scores', shape), given));
  expect(of([4], options)).toThrow('[sinkhorn] the scores must be a f32 matrix');
  expect(of([4, 2], { ...options, epsilon: 0 })).toThrow('[sinkhorn] epsilon must be above 0');
  expect(of([4, 2], { ...options, iterations: 0 })).toThrow('[sinkhorn] epsilon must be above 0');
});
