import { describe, expect, it } from 'vitest';
import { Program } from '../../src/graph/program.ts';
import { State } from '../../src/graph/state.ts';
import type { Shape, Tensor } from '../../src/graph/tensor.ts';
import { trace, variable } from '../../src/graph/trace.ts';
import { add } from '../../src/ops/add.ts';
import { batchNorm, batchNormInference } from '../../src/ops/batch_norm.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { relu } from '../../src/ops/relu.ts';
import { reshape } from '../../src/ops/reshape.ts';
import { type Case, onEveryAdapter, sample, testCases, testGradient } from './harness.ts';

/** Weight, bias and running statistics for `channels`. */
function affine(channels: number) {
  return {
    weight: sample('weight', [channels], { offset: 1.5 }),
    bias: sample('bias', [channels]),
    runningMean: sample('running_mean', [channels]),
    runningVar: sample('running_var', [channels], { scale: 0.5, offset: 1 }),
  };
}

type Options = { scale?: number; offset?: number };

function training(shape: Shape, values: Options = {}, tolerance?: number): Case {
  const options = affine(shape.at(-1)!);
  const numBatchesTracked = variable('num_batches_tracked', [1], () => Uint32Array.of(7), 'u32');
  const { weight, bias, runningMean, runningVar } = options;
  return {
    name: `training [${shape}]${values.offset ? ` at ${values.offset} ± ${values.scale ?? 1}` : ''}`,
    build() {
      const x = sample('x', shape, values);
      const y = batchNorm(x, { ...options, numBatchesTracked });
      const [dx, dweight, dbias] = gradients(y, [x, weight, bias], sample('dy', shape));
      // of two rows, dx is what rounding leaves of dy − dy: nothing to compare
      return { y, dweight, dbias, ...(x.size > 2 * weight.size && { dx }) };
    },
    updated: () => ({ runningMean, runningVar, numBatchesTracked }),
    tolerance,
  };
}

function inference(shape: Shape): Case {
  return {
    name: `inference [${shape}]`,
    build() {
      const x = sample('x', shape);
      const options = affine(shape.at(-1)!);
      const y = batchNormInference(x, options);
      const [dx, dweight, dbias] = gradients(y, [x, options.weight, options.bias], sample('dy', shape));
      return { y, dx, dweight, dbias };
    },
  };
}

// rows: 2, about the 4 that are merged at once, the 8 of a block, the slices of 8; channels: one at a time and four at a time,
// about the 8 of a merging workgroup and the 64 invocations of the others
const shapes = [
  [2, 1],
  [3, 3],
  [5, 4],
  [7, 5],
  [9, 7],
  [63, 8],
  [65, 12],
  [4, 5, 7, 3],
  [2, 3, 3, 68],
  [1, 16, 3, 3, 65],
  [16, 3, 3, 512],
  [2, 48, 47, 64],
  [8209, 5],
];

/** With a ReLU and a residual behind it, so that the fused kernels are run too. */
function inParts(shape: Shape, parts: number, dtype: 'f32' | 'f16' = 'f32'): Case {
  const options = affine(shape.at(-1)!);
  const { weight, bias, runningMean, runningVar } = options;
  return {
    name: `training [${shape}] of ${dtype} in ${parts} parts, alone, with ReLU and with a residual`,
    build() {
      const x = sample('x', shape, { dtype });
      const plain = batchNorm(x, { ...options, parts });
      const y = relu(add(batchNorm(relu(plain), { ...affine(shape.at(-1)!), parts }), x));
      const [dx, dweight, dbias] = gradients(y, [x, weight, bias], sample('dy', shape, { dtype }));
      return { plain, y, dx, dweight, dbias };
    },
    updated: () => ({ runningMean, runningVar }),
    tolerance: dtype === 'f16' ? 4e-3 : 1e-5, // of f16 several roundings follow each other
    ...(dtype === 'f16' && { feature: 'shader-f16' }),
  };
}

testCases([
  ...shapes.map((shape) => training(shape)),
  inParts([8, 3, 5, 8], 2),
  inParts([8, 2, 2, 5], 4),
  inParts([6, 7], 2),
  inParts([3, 61, 59, 4], 3),
  inParts([4, 3, 3, 12], 2, 'f16'),
  ...shapes.slice(0, 9).map(inference),
  // mean 1e4, standard deviation 1, and worse: nothing is lost but the digits that x itself lacks
  training([2, 33, 31, 8], { offset: 1e4, scale: Math.sqrt(3) }),
  training([2, 33, 31, 5], { offset: -1e4, scale: Math.sqrt(3) }),
  training([4001, 4], { offset: 1e6, scale: 4 }),
]);

/** A small case on which the reference's gradient is compared with central differences. */
const small = (normalise: (x: Tensor, options: ReturnType<typeof affine>) => Tensor) => () => {
  const x = sample('x', [2, 3, 3]);
  const options = affine(3);
  const y = normalise(x, options);
  const dy = sample('dy', y.shape);
  const targets = [x, options.weight, options.bias];
  return { y, dy, targets, dx: gradients(y, targets, dy) };
};
testGradient('training', small(batchNorm));
testGradient('inference', small(batchNormInference));
testGradient(
  'training in parts',
  small((x, options) => batchNorm(reshape(x, [6, 3]), { ...options, parts: 2 })),
);

describe('rules', () => {
  const build = (shape: Shape, change: Record<string, Tensor> = {}) =>
    trace(() => batchNorm(sample('x', shape), { ...affine(shape.at(-1)!), ...change }));

  it('refuses what has no statistics or does not fit', () => {
    expect(() => build([1, 1, 1, 8])).toThrow('expected more than 1 value per channel when training');
    expect(() => trace(() => batchNormInference(sample('x', [1, 8]), affine(8)))).not.toThrow();
    expect(() => build([8])).toThrow('[..., channels]');
    const inThree = (shape: Shape) => trace(() => batchNorm(sample('x', shape), { ...affine(8), parts: 3 }));
    expect(() => inThree([4, 8])).toThrow('3 parts of equal length');
    expect(() => inThree([3, 8])).toThrow('expected more than 1 value per channel when training');
    expect(() => build([4, 8], { bias: sample('bias', [7]) })).toThrow('expected [8]');
    expect(() => build([4, 8], { numBatchesTracked: sample('count', [1]) })).toThrow('integer');
  });
});

onEveryAdapter((gpu) => {
  it('gives the same bits in every run', async () => {
    const { graph, result } = trace(() => {
      const x = sample('x', [3, 31, 37, 12]);
      const options = affine(12);
      const y = batchNorm(x, options);
      const [dx, dweight] = gradients(y, [x, options.weight], sample('dy', x.shape));
      return { y, dx, dweight };
    });
    const state = new State(gpu());
    const program = await Program.compile(graph, state, result);
    const first = await program.run().read();
    expect(await program.run().read()).toEqual(first);
    program.destroy();
    state.destroy();
  });
});
