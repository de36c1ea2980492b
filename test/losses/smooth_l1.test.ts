import { expect, it } from 'vitest';
import type { Tensor } from '../../src/graph/tensor.ts';
import { input, trace } from '../../src/graph/trace.ts';
import { smoothL1 } from '../../src/losses/smooth_l1.ts';
import { testCases } from '../ops/harness.ts';
import { expectLoss, lossCase, testPairGradient } from './pairs.ts';

const half = (pred: Tensor, target: Tensor) => smoothL1(pred, target, { beta: 0.5 });

testCases([
  ...[[1], [65], [3, 5, 7], [4099]].map((shape) => lossCase('smooth_l1', half, shape)),
  lossCase('smooth_l1', half, [5, 13], 'f16'),
]);

testPairGradient('smooth_l1', half);

it('smooth_l1 by hand', () => {
  expectLoss(smoothL1, [0.5, -2, 1], [0, 1, 0], (0.125 + 2.5 + 0.5) / 3);
  expectLoss(half, [0.25, -2, 0.5], [0, 1, 0], (0.0625 + 2.75 + 0.25) / 3);
});

it('smooth_l1 refuses two shapes, and a beta of 0', () => {
  const [pred, target] = [input('pred', [3], 'f32'), input('target', [3, 1], 'f32')];
  expect(() => trace(() => smoothL1(pred, target))).toThrow('[smooth_l1] both inputs must have one shape');
  expect(() => trace(() => smoothL1(pred, pred, { beta: 0 }))).toThrow('beta must be above 0');
});
