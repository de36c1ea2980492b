/** What the tests of losses of two tensors share. */
import { expect } from 'vitest';
import type { Shape, Tensor } from '../../src/graph/tensor.ts';
import { constant, trace } from '../../src/graph/trace.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { type Case, sample, testGradient } from '../ops/harness.ts';
import { interpret } from '../reference/interpreter.ts';

type Loss = (pred: Tensor, target: Tensor) => Tensor;

/** The loss of tensors of a shape and its gradient, which is that of a loss that is scaled. */
export const lossCase = (name: string, loss: Loss, shape: Shape, dtype: 'f32' | 'f16' = 'f32'): Case => ({
  name: `${name} of [${shape}] and its gradient, ${dtype}`,
  ...(dtype === 'f16' && { feature: 'shader-f16' }),
  build() {
    const [pred, target] = [
      sample('pred', shape, { scale: 2, dtype }),
      sample('target', shape, { scale: 0.5, offset: 0.5, dtype }),
    ];
    const y = loss(pred, target);
    const [dpred] = gradients(y, [pred], sample('dloss', [1], { offset: 3 }));
    return { y, dpred };
  },
  tolerance: 3e-6,
});

/** Central differences with respect to both inputs. */
export const testPairGradient = (name: string, loss: Loss): void =>
  testGradient(name, () => {
    const targets = [
      sample('pred', [3, 5], { scale: 2, seed: 2 }),
      sample('target', [3, 5], { scale: 0.4, offset: 0.5, seed: 3 }),
    ];
    const y = loss(targets[0], targets[1]);
    const dy = sample('dloss', [1], { offset: 3 });
    return { y, dy, targets, dx: gradients(y, targets, dy) };
  });

/** The loss by the reference is the number that was computed by hand. */
export function expectLoss(loss: Loss, pred: readonly number[], target: readonly number[], expected: number): void {
  const of = (name: string, values: readonly number[]) => constant(name, Float32Array.from(values));
  const { graph, result } = trace(() => loss(of('pred', pred), of('target', target)));
  expect(interpret(graph).get(result)![0]).toBeCloseTo(expected, 9);
}
