import { expect, it } from 'vitest';
import { input, trace } from '../../src/graph/trace.ts';
import { mse } from '../../src/losses/mse.ts';
import { testCases } from '../ops/harness.ts';
import { expectLoss, lossCase, testPairGradient } from './pairs.ts';

testCases([
  ...[[1], [65], [3, 5, 7], [4099]].map((shape) => lossCase('mse', mse, shape)),
  lossCase('mse', mse, [5, 13], 'f16'),
]);

testPairGradient('mse', mse);

it('mse by hand', () => {
  expectLoss(mse, [1, -2, 0.5], [0, 1, 0.5], (1 + 9 + 0) / 3);
});

it('mse refuses two shapes', () => {
  const [pred, target] = [input('pred', [3], 'f32'), input('target', [3, 1], 'f32')];
  expect(() => trace(() => mse(pred, target))).toThrow('[mse] both inputs must have one shape');
});
