import { expect, it } from 'vitest';
import { input, trace } from '../../src/graph/trace.ts';
import { l1 } from '../../src/losses/l1.ts';
import { testCases } from '../ops/harness.ts';
import { expectLoss, lossCase, testPairGradient } from './pairs.ts';

testCases([
  ...[[1], [65], [3, 5, 7], [4099]].map((shape) => lossCase('l1', l1, shape)),
  lossCase('l1', l1, [5, 13], 'f16'),
]);

testPairGradient('l1', l1);

it('l1 by hand', () => {
  expectLoss(l1, [1, -2, 0.5], [0, 1, 0.5], (1 + 3 + 0) / 3);
});

it('l1 refuses two shapes', () => {
  const [pred, target] = [input('pred', [3], 'f32'), input('target', [3, 1], 'f32')];
  expect(() => trace(() => l1(pred, target))).toThrow('[l1] both inputs must have one shape');
});
