import { expect, it } from 'vitest';
import type { Shape } from '../../src/graph/tensor.ts';
import { trace } from '../../src/graph/trace.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { layerNorm } from '../../src/ops/layer_norm.ts';
import { type Case, sample, testCases, testGradient } from './harness.ts';

type Options = { dtype?: 'f32' | 'f16'; scale?: number; offset?: number };

function normalised(shape: Shape, { dtype, ...values }: Options = {}) {
  const [columns] = shape.slice(-1);
  const x = sample('x', shape, { scale: 2, ...values, dtype });
  const weight = sample('weight', [columns], { scale: 0.5, offset: 1 });
  const bias = sample('bias', [columns]);
  const y = layerNorm(x, { weight, bias, eps: 1e-5 });
  const dy = sample('dy', shape, { dtype });
  return { x, weight, bias, y, dy };
}

const item = (shape: Shape, options: Options = {}): Case => ({
  name: `layer_norm and its gradients ${options.dtype ?? 'f32'} [${shape}] ${JSON.stringify(options)}`,
  feature: options.dtype === 'f16' ? 'shader-f16' : undefined,
  build() {
    const { x, weight, bias, y, dy } = normalised(shape, options);
    const [dx, dweight, dbias] = gradients(y, [x, weight, bias], dy);
    return { y, stats: y.node!.outputs[1], dx, dweight, dbias };
  },
});

// A part, several, and rows in several parts for the gradients of scale and shift: 17, and more than 64 parts.
const shapes = [[3], [3, 5], [2, 3, 4, 7], [16, 64], [17, 65], [5, 192], [3, 1031], [2, 20_011], [4500, 3]];

testCases([
  ...shapes.map((shape) => item(shape)),
  ...shapes.map((shape) => item(shape, { dtype: 'f16' })),
  {
    // One column, whose values are all the mean; dx is zero but for rounding.
    name: 'layer_norm of one column',
    build() {
      const { bias, y, dy } = normalised([67, 1]);
      return { y, dbias: gradients(y, [bias], dy)[0] };
    },
  },
  // Values far from zero next to their spread: nothing but the rounding of what is given is lost.
  item([5, 48], { offset: 1000, scale: 1 }),
  item([5, 192], { offset: -1e6, scale: 1000 }),
  item([3, 100], { dtype: 'f16', offset: 100, scale: 1 }),
]);

testGradient('layer_norm', () => {
  const { x, weight, bias, y, dy } = normalised([3, 7]);
  const targets = [x, weight, bias];
  return { y, dy, targets, dx: gradients(y, targets, dy) };
});

it('refuses a scale that has not one value a column', () => {
  const apply = () => layerNorm(sample('x', [2, 3]), { weight: sample('weight', [2]), bias: sample('bias', [3]) });
  expect(() => trace(apply)).toThrow(/\[layer_norm\] .*f32 \[3\].*weight f32\[2\]/);
});
