import { expect, it } from 'vitest';
import { constant, input, trace } from '../../src/graph/trace.ts';
import { bceWithLogits } from '../../src/losses/bce_with_logits.ts';
import { testCases } from '../ops/harness.ts';
import { expectLoss, lossCase, testPairGradient } from './pairs.ts';

testCases([
  ...[[1], [65], [3, 5, 7], [4099]].map((shape) => lossCase('bce_with_logits', bceWithLogits, shape)),
  lossCase('bce_with_logits', bceWithLogits, [5, 13], 'f16'),
]);

testCases([
  {
    name: 'bce_with_logits: a small loss of a large logit keeps its digits, and no logit makes it infinite',
    build() {
      const targets = constant('targets', Float32Array.of(1, 0));
      const of = (x: number) => bceWithLogits(constant('x', Float32Array.of(x, -x)), targets);
      return { right: of(12), wrong: of(-12), zero: of(0), far: of(-1e4) };
    },
  },
]);

testPairGradient('bce_with_logits', bceWithLogits);

it('bce_with_logits by hand', () => {
  expectLoss(bceWithLogits, [0, 0, 0], [0, 1, 0.25], Math.LN2);
  expectLoss(bceWithLogits, [1, -1], [1, 1], -(Math.log(1 / (1 + Math.exp(-1))) + Math.log(1 / (1 + Math.E))) / 2);
  // Large logits: the loss is as large where they are wrong, and next to nothing where they are right.
  expectLoss(bceWithLogits, [200, -200], [0, 1], 200);
  expectLoss(bceWithLogits, [200, -200], [1, 0], 0);
});

it('bce_with_logits refuses two shapes', () => {
  const [pred, target] = [input('pred', [3], 'f32'), input('target', [3, 1], 'f32')];
  expect(() => trace(() => bceWithLogits(pred, target))).toThrow('[bce_with_logits] both inputs must have one shape');
});
