import { expect, it } from 'vitest';
import type { Tensor } from '../../src/graph/tensor.ts';
import { constant, trace } from '../../src/graph/trace.ts';
import { vicreg } from '../../src/losses/vicreg.ts';
import { sample, testCases } from '../ops/harness.ts';
import { interpret } from '../reference/interpreter.ts';
import { lossCase, testPairGradient } from './pairs.ts';

const weights = { invarianceWeight: 25, varianceWeight: 25, covarianceWeight: 1 };
const loss = (z1: Tensor, z2: Tensor) => vicreg(z1, z2, weights).loss;

testCases([
  ...[
    [2, 1],
    [7, 5],
    [65, 33],
    [6, 130],
  ].map((shape) => ({ ...lossCase('VICReg', loss, shape), tolerance: 1e-5 })),
  { ...lossCase('VICReg', loss, [7, 5], 'f16'), tolerance: 1e-3 },
]);
// The hinge's corner, a deviation of 1, is far from the samples' 1.15 and 0.23.
testPairGradient('VICReg', loss);

/** loss, invariance, variance, covariance by float64. */
function terms(one: readonly (readonly number[])[], other: readonly (readonly number[])[]): number[] {
  const matrix = (name: string, rows: readonly (readonly number[])[]) =>
    constant(name, Float32Array.from(rows.flat()), [rows.length, rows[0].length]);
  const { graph, result } = trace(() => vicreg(matrix('z1', one), matrix('z2', other), weights));
  const all = interpret(graph);
  return [result.loss, result.invariance, result.variance, result.covariance].map((tensor) => all.get(tensor)![0]);
}

it('of constant embeddings it is 25 (1 − √1e-4) = 24.75', () => {
  const rows = [
    [2, 2, 2],
    [2, 2, 2],
  ];
  expect(terms(rows, rows)[0]).toBeCloseTo(24.75, 5);
});

it('is the terms by hand', () => {
  // Variances 8 and 2, covariance 4 of both views: 2 · 4² · 2 / 2 columns; (z₁ − z₂)² is 1 of half of the numbers.
  const [one, other] = [
    [
      [2, 1],
      [-2, -1],
    ],
    [
      [3, 1],
      [-1, -1],
    ],
  ];
  const [all, invariance, variance, covariance] = terms(one, other);
  expect([invariance, variance, covariance]).toEqual([0.5, 0, 32]);
  expect(all).toBeCloseTo(44.5, 10);
});

it('refuses one row, and views of other sizes', () => {
  const traced = (a: Tensor, b: Tensor) => () => trace(() => loss(a, b));
  expect(traced(sample('a', [1, 4]), sample('b', [1, 4]))).toThrow('[vicreg] ');
  expect(traced(sample('a', [4, 2]), sample('b', [4, 3]))).toThrow('[vicreg] ');
});
