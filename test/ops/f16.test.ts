/**
 * Every op that takes activations of f16, on values of f16: arithmetic is f32, so that a result is off by the rounding of what is
 * stored and by no more. Convolutions: see conv2d.test.ts.
 */
import { expect, it } from 'vitest';
import { fuse } from '../../src/graph/fuse.ts';
import { Program } from '../../src/graph/program.ts';
import { State } from '../../src/graph/state.ts';
import type { Shape } from '../../src/graph/tensor.ts';
import { constant, trace, tracing, variable } from '../../src/graph/trace.ts';
import { add } from '../../src/ops/add.ts';
import { augment, packAugmentParameters } from '../../src/ops/augment.ts';
import { batchNorm, batchNormInference } from '../../src/ops/batch_norm.ts';
import { cast } from '../../src/ops/cast.ts';
import { packedWords } from '../../src/ops/gather_images.ts';
import { globalAvgPool } from '../../src/ops/global_avg_pool.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { maxPool2d } from '../../src/ops/max_pool.ts';
import { relu } from '../../src/ops/relu.ts';
import { type Case, onEveryAdapter, sample, testCases } from './harness.ts';

const half = { dtype: 'f16' } as const;
const feature = 'shader-f16';

const affine = (channels: number) => ({
  weight: sample('weight', [channels], { offset: 1.5 }),
  bias: sample('bias', [channels]),
  runningMean: sample('running_mean', [channels]),
  runningVar: sample('running_var', [channels], { scale: 0.5, offset: 1 }),
});

const normalised = (shape: Shape, training: boolean): Case => {
  const options = affine(shape.at(-1)!);
  const { weight, bias, runningMean, runningVar } = options;
  return {
    name: `batch_norm [${shape}]${training ? '' : ', frozen'}`,
    feature,
    build() {
      const x = sample('x', shape, { ...half, scale: 3, offset: 2 });
      const y = training ? batchNorm(x, options) : batchNormInference(x, options);
      const [dx, dweight, dbias] = gradients(y, [x, weight, bias], sample('dy', shape, half));
      return { y, dx, dweight, dbias };
    },
    updated: () => ({ runningMean, runningVar }),
  };
};

/** relu(bn(x) + x): the fused kernels, with the residual's own gradient. */
const block = (shape: Shape): Case => ({
  name: `batch_norm, residual and relu [${shape}]`,
  feature,
  build() {
    const options = affine(shape.at(-1)!);
    const x = sample('x', shape, half);
    const y = relu(add(batchNorm(x, options), x));
    const [dx, dweight] = gradients(y, [x, options.weight], sample('dy', shape, half));
    return { y, dx, dweight };
  },
  // The reference rounds the sum of the two branches' gradients and each of them, the kernels one less.
  tolerance: 2 ** -9,
});

const pooled = (shape: Shape): Case => ({
  name: `max_pool [${shape}]`,
  feature,
  build() {
    const x = sample('x', shape, half);
    const y = maxPool2d(x, { kernel: 3, stride: 2, padding: 1 });
    const [dx] = gradients(y, [x], sample('dy', y.shape, half));
    return { y, argmax: y.node!.outputs[1], dx };
  },
});

const averaged = (shape: Shape): Case => ({
  name: `global_avg_pool [${shape}]: f32 out, gradient f32 in`,
  feature,
  build() {
    const x = sample('x', shape, half);
    const y = globalAvgPool(x);
    const [dx] = gradients(y, [x], sample('dy', y.shape));
    expect([y.dtype, dx.dtype]).toEqual(['f32', 'f16']);
    return { y, dx };
  },
});

const elementwise = (shape: Shape): Case => ({
  name: `relu, add, cast and their gradients [${shape}]`,
  feature,
  build() {
    const x = sample('x', shape);
    const y = cast(x, 'f16');
    const sum = add(y, sample('b', shape, half));
    const z = relu(sum);
    const wide = cast(z, 'f32');
    const [dx] = gradients(wide, [x], sample('dy', shape));
    expect([y, sum, z, wide, dx].map(({ dtype }) => dtype)).toEqual(['f16', 'f16', 'f16', 'f32', 'f32']);
    return { y, sum, z, wide, dx };
  },
  // what is f32 here was f16 before
  tolerance: 2 ** -10,
});

/** Views that are read as f16 only: the last pass of the augmentation stores them so. */
const augmented: Case = {
  name: 'augment and cast, as one node',
  feature,
  build() {
    const size = { height: 9, width: 7 };
    const packed = Uint32Array.from({ length: 2 * packedWords(size) }, (_, i) => Math.imul(i + 1, 0x9e3779b9));
    const views = [
      { crop: [0, 0, 9, 7], flip: true, brightness: 1.2, hue: 0.1 },
      { crop: [2, 1, 5, 6], contrast: 0.6, sigma: 0.9 },
    ] as const;
    const parameters = Float32Array.from(views.flatMap((view) => [...packAugmentParameters(view)]));
    const options = {
      ...size,
      size: 6,
      blurKernel: 3,
      mean: [0.5, 0.4, 0.3],
      std: [0.2, 0.3, 0.25],
      antialias: true,
    } as const;
    const images = constant('images', packed, [2, packedWords(size)]);
    const y = cast(augment(images, constant('parameters', parameters, [2, 16]), options), 'f16');
    const names = fuse(tracing().nodes, [y]).map(({ op }) => op.name);
    expect(names).toEqual(['augment']);
    return { y };
  },
};

testCases([
  augmented,
  ...[
    [63, 8],
    [65, 5],
    [2, 9, 11, 64],
    [4, 5, 7, 3],
    [2, 48, 47, 4],
  ].map((shape) => normalised(shape, true)),
  ...[
    [9, 4],
    [9, 7],
  ].map((shape) => normalised(shape, false)),
  ...[
    [3, 5, 5, 68],
    [2, 9, 11, 3],
  ].map(block),
  ...[
    [1, 1, 1, 1],
    [3, 12, 11, 8],
    [2, 7, 5, 3],
  ].map(pooled),
  ...[
    [1, 1, 1, 1],
    [2, 3, 5, 7],
    [4, 3, 3, 512],
  ].map(averaged),
  ...[[1], [63], [65], [3, 5, 7]].map(elementwise),
]);

it('refuses to add f16 to f32', () => {
  expect(() => trace(() => add(sample('a', [4]), sample('b', [4], half)))).toThrow(/add.*one type/);
});

onEveryAdapter((gpu) => {
  it('what f16 cannot hold becomes infinite, NaN stays, the smallest numbers are kept', async ({ skip }) => {
    if (!gpu().traits.features.has(feature)) skip(`the adapter has no '${feature}'`);
    const values = [65504, 65519, 65520, -7e4, NaN, 2 ** -24, 2 ** -26, 1 + 2 ** -11, 1 + 3 * 2 ** -11];
    const { graph, result } = trace(() => {
      const x = variable('x', [values.length], () => Float32Array.from(values));
      return { y: cast(x, 'f16'), sum: add(cast(x, 'f16'), cast(x, 'f16')), rectified: relu(cast(x, 'f16')) };
    });
    const state = new State(gpu());
    const program = await Program.compile(graph, state, result);
    const { y, sum, rectified } = await program.run().read();
    const kept = [65504, 65504, Infinity, -Infinity, NaN, 2 ** -24, 0, 1, 1 + 2 ** -9];
    expect(Array.from(y)).toEqual(kept);
    expect(Array.from(sum)).toEqual([Infinity, Infinity, Infinity, -Infinity, NaN, 2 ** -23, 0, 2, 2 + 2 ** -8]);
    expect(Array.from(rectified)).toEqual(kept.map((value) => Math.max(value, 0)));
    program.destroy();
    state.destroy();
  });
});
