/**
 * Every WGSL file is compiled by Dawn's own front end on its null backend, with every set of constants that ops use it with, for
 * each kind of device that ops tell apart. A kernel that no program here reaches fails the test.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { copyOf, fmaChains } from '../bench/roofline.ts';
import { normalization } from '../src/data/preparation.ts';
import { kindOf } from '../src/data/samples.ts';
import { stretchesOf } from '../src/data/sequences.ts';
import { fedSamples, hostImages } from '../src/data/source.ts';
import { textSet } from '../src/data/texts.ts';
import { type DeviceTraits, Gpu } from '../src/gpu/device.ts';
import { packParams } from '../src/gpu/kernel.ts';
import { type PlannedLaunch, plan, type VariantSelector } from '../src/graph/plan.ts';
import { Program } from '../src/graph/program.ts';
import { State } from '../src/graph/state.ts';
import type { Shape, Tensor } from '../src/graph/tensor.ts';
import { flatVariable, input, variable } from '../src/graph/trace.ts';
import { ntXent } from '../src/losses/nt_xent.ts';
import { allMethods, methodNamed } from '../src/methods/index.ts';
import { type ResNetName, resnetNames, stems } from '../src/nn/resnet.ts';
import { add } from '../src/ops/add.ts';
import { augment, augmentParameters, preprocess } from '../src/ops/augment.ts';
import { batchNorm, batchNormInference } from '../src/ops/batch_norm.ts';
import { cast } from '../src/ops/cast.ts';
import { checkFiniteGradients } from '../src/ops/check_finite.ts';
import { clipGradNorm } from '../src/ops/clip_grad_norm.ts';
import { conv2d } from '../src/ops/conv2d.ts';
import { cosineSimilarity } from '../src/ops/cosine_similarity.ts';
import { crossEntropy } from '../src/ops/cross_entropy.ts';
import { ema } from '../src/ops/ema.ts';
import { f16Copy } from '../src/ops/f16_copy.ts';
import { gatherImages, packedWords } from '../src/ops/gather_images.ts';
import { globalAvgPool } from '../src/ops/global_avg_pool.ts';
import { gradients } from '../src/ops/gradients.ts';
import { linear } from '../src/ops/linear.ts';
import { matmul } from '../src/ops/matmul.ts';
import { maxPool2d } from '../src/ops/max_pool.ts';
import { precisions } from '../src/ops/precision.ts';
import { relu } from '../src/ops/relu.ts';
import { stepMade } from '../src/ops/step_made.ts';
import { tsneAffinities, tsneGradient, tsneUpdate } from '../src/ops/tsne.ts';
import { adam } from '../src/optim/adam.ts';
import { lars } from '../src/optim/lars.ts';
import type { Optimizer } from '../src/optim/optimizer.ts';
import { sgd } from '../src/optim/sgd.ts';
import { augmentationConfig } from '../src/ssl/settings.ts';
import { traceStep } from '../src/ssl/trace_step.ts';
import { stepParts } from '../src/train/learner.ts';
import { parseSettings } from '../src/train/settings.ts';
import { f32, type Traced, traced, withGradients } from './programs.ts';
import { contrastiveDefaults, contrastiveParts, SimClr } from './ssl/contrastive.ts';

const optimizers: Record<string, (weights: Tensor) => Optimizer> = {
  adam: (weights) => adam(weights, { weightDecay: 1e-4 }),
  adamw: (weights) => adam(weights, { weightDecay: 1e-4, decoupled: true }),
  sgd: (weights) => sgd(weights, { nesterov: true }),
  lars: (weights) => lars(weights, { weightDecay: 1e-6 }),
};

const norm = (channels: number) => ({
  weight: variable('weight', [channels]),
  bias: variable('bias', [channels]),
  runningMean: variable('running_mean', [channels]),
  runningVar: variable('running_var', [channels]),
});

/** conv → norm (→ + residual → relu) → pool → features → two losses, with all gradients, in any sizes. */
function everyOp([n, height, width, channels]: Shape, out: number, kernel: number, training: boolean): Traced {
  return traced(() => {
    const [x, w, residual] = [
      f32('x', n, height, width, channels),
      f32('w', out, kernel, kernel, channels),
      f32('r', n, height, width, out),
    ];
    const normalise = training ? batchNorm : batchNormInference;
    const y = normalise(conv2d(x, w, { padding: (kernel - 1) / 2 }), norm(out));
    const z = normalise(add(y, residual), norm(out));
    const block = relu(add(normalise(relu(z), norm(out)), residual));
    const features = globalAvgPool(maxPool2d(block, { kernel: 3, stride: 2, padding: 1 }));
    const logits = linear(features, f32('fc', 10, out), f32('b', 10));
    const { loss, accuracy } = crossEntropy(logits, input('labels', [n], 'i32'));
    const contrastive = ntXent(linear(features, f32('head', 5, out)), { temperature: 0.5 });
    const both = add(loss, contrastive.loss);
    return { accuracy, top1: contrastive.accuracy, ...withGradients(both, [x, w, residual]) };
  });
}

/** A step as one program, or the phase of that number of a step in pieces. */
function step(
  architecture: ResNetName,
  stem: (typeof stems)[number],
  optimizer: string,
  batchSize: number,
  imageSize: number,
  microBatch = 0,
  phase = 0,
): Traced {
  const model = new SimClr({ architecture, stem, headBatchNorm: optimizer === 'lars' });
  const set = { name: 'images', count: 8, height: 40, width: 50, skipped: [], read: () => {} };
  const sizes = { batchSize, microBatch, imageSize };
  const options = { ...contrastiveDefaults, ...sizes, makeOptimizer: optimizers[optimizer] };
  return traceStep(contrastiveParts(model, hostImages(set), options)).phases[phase];
}

function tsne(rows: number, columns: number): Traced {
  return traced(() => {
    const p = variable('p', [rows, rows]);
    const [y, velocity, gain] = ['y', 'velocity', 'gain'].map((name) => variable(name, [rows, 2]));
    tsneAffinities(f32('x', rows, columns), p, { perplexity: 3 });
    const { gradient, loss } = tsneGradient(p, y, f32('exaggeration', 1));
    tsneUpdate(y, velocity, gain, gradient, f32('scalars', 2));
    return { loss };
  });
}

/** A step in half precision, which brings every kernel of f16 for channels in fours. */
function halfStep(optimizer: string, batchSize: number, imageSize: number, microBatch = 0, phase = 0): Traced {
  const set = { name: 'images', count: 8, height: 40, width: 50, skipped: [], read: () => {} };
  const sizes = { batchSize, microBatch, imageSize, precision: 'f16' } as const;
  const options = { ...contrastiveDefaults, ...sizes, makeOptimizer: optimizers[optimizer] };
  return traceStep(contrastiveParts(new SimClr(), hostImages(set), options)).phases[phase];
}

/** Ops on f16 in odd sizes, and what no step of half precision holds. */
const oddHalves = (training: boolean): Traced =>
  traced(() => {
    const [x, w] = [input('x', [2, 9, 7, 3], 'f16'), input('w', [5, 3, 3, 3], 'f16')];
    const normalise = training ? batchNorm : batchNormInference;
    const y = normalise(relu(conv2d(x, w, { padding: 1 })), norm(5));
    const z = relu(add(maxPool2d(y, { kernel: 3, stride: 2, padding: 1 }), input('r', [2, 5, 4, 5], 'f16')));
    const features = add(globalAvgPool(z), globalAvgPool(cast(cast(z, 'f32'), 'f16')));
    return withGradients(features, [x, w]);
  });

/** Batch norm by the statistics of three processes. */
const ofProcesses = (shape: Shape, dtype: 'f32' | 'f16'): Traced =>
  traced(() => {
    const x = input('x', shape, dtype);
    return withGradients(relu(batchNorm(x, { ...norm(shape.at(-1)!), processes: 3 })), [x]);
  });

/** Twenty windows, so long that all steps are predicted that a method of sequences predicts by default. */
const window = 2560;
const series = stretchesOf(
  { name: 'sequences', skipped: [] },
  [{ file: 'a.npy', series: { length: 20 * window, channels: 1, read: () => {} } }],
  window,
);

/** As many texts. */
const lines = textSet(
  Array.from({ length: 20 }, (_, i) => [`text number ${i}`]),
  { name: 'texts', columns: 1, skipped: [] },
);

/** The step of a method as it is registered, in both precisions. */
function stepOf(method: string, precision: 'f32' | 'f16'): Traced {
  const labels = Uint8Array.from({ length: 16 }, (_, i) => i % 3);
  const set = { name: 'images', count: 16, height: 40, width: 50, skipped: [], labels, read: () => {} };
  const { source, size } = {
    images: { source: hostImages(set), size: { imageSize: 32 } },
    sequences: { source: fedSamples(series), size: { window } },
    texts: { source: fedSamples(lines), size: {} },
  }[kindOf(methodNamed(method))];
  const settings = parseSettings({ method, precision, batchSize: 16, ...size });
  return traceStep(stepParts(source, settings)).phases[0];
}

/** Programs of families of ops, each in a file of its own. */
const families = import.meta.glob<{ default: Record<string, () => Traced> }>('./programs/*.ts', { eager: true });

const programs: Record<string, () => Traced> = {
  ...Object.assign({}, ...Object.values(families).map(({ default: family }) => family)),
  ...Object.fromEntries(
    allMethods().flatMap(({ name }) =>
      precisions.map((precision) => [`a step of method ${name}, ${precision}`, () => stepOf(name, precision)]),
    ),
  ),
  ...Object.fromEntries(
    resnetNames.flatMap((architecture) =>
      stems.flatMap((stem) =>
        Object.keys(optimizers).map((optimizer) => [
          `a step of ${architecture}, ${stem} stem, ${optimizer}`,
          () => step(architecture, stem, optimizer, 4, 32),
        ]),
      ),
    ),
  ),
  'a step of 256 pairs of 96 pixels': () => step('resnet18', 'imagenet', 'adam', 256, 96),
  'a step of 4,096 pairs of 224 pixels': () => step('resnet50', 'imagenet', 'lars', 4096, 224),
  ...Object.fromEntries(
    [0, 1, 2, 3].flatMap((phase) => [
      [
        `pieces of 256 of 4,096 pairs, phase ${phase}`,
        () => step('resnet18', 'imagenet', 'adam', 4096, 96, 256, phase),
      ],
      [`pieces of 2 of 6 pairs, phase ${phase}`, () => step('resnet18', 'cifar', 'sgd', 6, 20, 2, phase)],
    ]),
  ),
  ...Object.fromEntries(
    Object.keys(optimizers).map((optimizer) => [`half precision, ${optimizer}`, () => halfStep(optimizer, 4, 32)]),
  ),
  'half precision, 256 pairs of 96 pixels': () => halfStep('adam', 256, 96),
  ...Object.fromEntries(
    [0, 1, 2, 3].map((phase) => [`half precision in pieces, phase ${phase}`, () => halfStep('adam', 4, 32, 2, phase)]),
  ),
  'half precision, odd channels': () => oddHalves(true),
  'half precision, odd channels, frozen statistics': () => oddHalves(false),
  'statistics of several processes': () => ofProcesses([4, 5, 3, 8], 'f32'),
  'statistics of several processes, half precision, odd channels': () => ofProcesses([4, 5, 3, 5], 'f16'),
  'every op, channels in fours': () => everyOp([2, 9, 7, 4], 8, 3, true),
  'every op, odd channels': () => everyOp([4, 8, 8, 3], 7, 3, true),
  'every op, one channel': () => everyOp([2, 3, 3, 1], 1, 1, true),
  'every op, many rows': () => everyOp([6, 64, 64, 5], 12, 1, true),
  'every op, frozen statistics': () => everyOp([2, 9, 7, 4], 8, 3, false),
  'every op, frozen statistics, odd channels': () => everyOp([2, 9, 7, 5], 9, 3, false),
  'roofline of a device': () =>
    traced(() => ({
      fused: fmaChains({ size: 64, rounds: 2, fused: true }),
      plain: fmaChains({ size: 64, rounds: 2, fused: false }),
      copy: copyOf(f32('x', 1024), 1),
      rows: copyOf(f32('rows', 1024), 256),
    })),
  'relu, batch norm and pooling alone': () =>
    traced(() => {
      const x = f32('x', 2, 4, 4, 3);
      return withGradients(maxPool2d(relu(relu(batchNorm(relu(x), norm(3)))), { kernel: 2 }), [x]);
    }),
  'inference on decoded images': () =>
    traced(() => {
      const images = input('images', [3, packedWords({ height: 40, width: 50 })], 'u32');
      const x = preprocess(images, { height: 40, width: 50, size: 32, mean: [0, 0, 0], std: [1, 1, 1] });
      return { features: new SimClr().encoder.forward(x, { training: false }) };
    }),
  'nearest neighbours': () =>
    traced(() => ({ similarity: cosineSimilarity(f32('test', 256, 512), f32('train', 5000, 512)) })),
  'views of images on the device, without antialiasing': () =>
    traced(() => {
      const size = { height: 17, width: 13 };
      const indices = input('indices', [5], 'u32');
      const shards = [2, 3].map((count) => variable(`shard ${count}`, [count, packedWords(size)], undefined, 'u32'));
      const drawn = { ...augmentationConfig(contrastiveDefaults), ...size };
      const parameters = augmentParameters(indices, input('seeds', [4], 'u32'), drawn);
      const colours = normalization(contrastiveDefaults);
      const options = { ...size, size: 12, blurKernel: 3, ...colours, antialias: false };
      return { views: augment(gatherImages(indices, shards, size), parameters, options) };
    }),
  't-SNE, many points': () => tsne(5000, 512),
  't-SNE, few points': () => tsne(5, 3),
  'optimisers of flat weights, and what follows an update that is made': () =>
    traced(() => {
      const weights = flatVariable('weights', [variable('a', [300, 40]), variable('b', [7])]);
      const firstNonFinite = variable('first_non_finite', [1], undefined, 'u32');
      const g = f32('gradients', weights.size);
      checkFiniteGradients(g, f32('loss', 1), input('step', [1], 'u32'), firstNonFinite);
      const optimizer = lars(weights);
      for (const per of ['all', 'tensor'] as const)
        optimizer.update(clipGradNorm(g, weights, { maxNorm: 1, per }), firstNonFinite);
      return { made: stepMade([{ firstNonFinite }]) };
    }),
  'moving averages of flat weights': () =>
    traced(() => {
      const shapes = [[300, 40], [7]];
      const [source, plain, half] = ['source', 'plain', 'half'].map((name) =>
        flatVariable(
          name,
          shapes.map((shape, i) => variable(`${name}${i}`, shape)),
        ),
      );
      const copy = f16Copy(half);
      const rate = f32('rate', 1);
      for (const average of [plain, half]) ema(average.members, source.members, { rate });
      return { copy };
    }),
};

let gpu: Gpu;
beforeAll(async () => {
  gpu = await Gpu.open({ nullBackend: true });
});
afterAll(() => gpu.destroy());

/**
 * Devices that ops tell apart: software or not, with each feature and without, with subgroups of exactly 8. All can bind what the
 * largest programs need.
 */
function devices({ traits }: Gpu): DeviceTraits[] {
  const limits = { ...traits.limits, maxStorageBufferBindingSize: 2 ** 40 };
  const kinds = [traits.software, !traits.software].map((software) => ({ ...traits, limits, software }));
  const octets = { ...kinds[0], software: true, subgroupMinSize: 8, subgroupMaxSize: 8 };
  return [...kinds.flatMap((kind) => [kind, { ...kind, features: new Set<string>() }]), octets];
}

/** What WebGPU asks of every device, and `createBindGroup` of every launch. */
function expectValid({ label, kernel, bindings, params, workgroups }: PlannedLaunch): void {
  const storage = kernel.bindings.filter(({ access }) => access !== 'uniform').map(({ name }) => name);
  expect(Object.keys(bindings).sort(), label).toEqual(storage.sort());
  expect(storage.length, `${label}: storage buffers`).toBeLessThanOrEqual(8);
  for (const size of workgroups) {
    expect(Number.isInteger(size) && size >= 1 && size <= 65535, `${label}: workgroups ${workgroups}`).toBe(true);
  }
  packParams(kernel, params, new DataView(new ArrayBuffer(kernel.params.size)), 0);
}

it.each(Object.entries(programs))('%s: every kernel compiles, every launch is valid', async (_name, make) => {
  const { graph, outputs } = make();
  for (const traits of devices(gpu)) {
    for (const launch of plan(graph, Object.values(outputs), traits).launches) {
      await gpu.pipelines.get(launch.kernel, launch.constants);
      expectValid(launch);
    }
  }
});

it.each(
  Object.keys(programs).filter((name) =>
    /^(every|family|optimisers|t-SNE, few|views|relu|nearest|a step of resnet18, cifar stem, lars|pieces of 2 |half precision(, lars|, odd| in pieces))/.test(
      name,
    ),
  ),
)('%s: Dawn accepts all that a run sends', async (name) => {
  const { graph, outputs } = programs[name]();
  const state = new State(gpu);
  const program = await Program.compile(graph, state, outputs);
  const inputs = program.plan.leaves.filter(({ origin }) => origin.kind === 'input');
  program.run(
    Object.fromEntries(
      inputs.map(({ name: key, size, dtype }) => [
        key,
        dtype === 'f32' ? new Float32Array(size) : new Uint32Array(size),
      ]),
    ),
  );
  await gpu.device.queue.onSubmittedWorkDone();
  gpu.check();
  program.destroy();
  state.destroy();
  gpu.trim();
});

/** Products with rows of whole vec4s and without, which is what their variants tell apart beside the type. */
const products = (dtype: 'f32' | 'f16'): Traced =>
  traced(() => {
    const of = (name: string, ...shape: number[]) => input(name, shape, dtype);
    const [x, w] = [of('x', 2, 9, 7, 8), of('w', 12, 3, 3, 8)];
    const y = conv2d(x, w, { stride: 2, padding: 1 });
    const convolutions = [y, ...gradients(y, [x, w], input('dy', y.shape, dtype))];
    const even = matmul(of('a', 8, 12), of('b', 12, 16));
    const odd = matmul(of('c', 5, 7), of('d', 3, 7), { transposeB: true });
    return Object.fromEntries([...convolutions, even, odd].map((tensor, i) => [`out${i}`, tensor]));
  });

/** Compiles all that each variant of each node would launch on a device. Returns the names of the variants. */
async function compileVariants({ graph, outputs }: Traced, traits: DeviceTraits): Promise<string[]> {
  const names = new Set<string>();
  const planned = (selectVariant: VariantSelector) => plan(graph, Object.values(outputs), traits, { selectVariant });
  planned((_node, variants) => void variants.forEach((name) => names.add(name)));
  for (const name of names) {
    for (const launch of planned((_node, variants) => (variants.includes(name) ? name : undefined)).launches) {
      await gpu.pipelines.get(launch.kernel, launch.constants);
      expectValid(launch);
    }
  }
  return [...names];
}

it.each(['f32', 'f16'] as const)('every variant of products of %s compiles', async (dtype) => {
  for (const traits of devices(gpu).filter(({ features }) => dtype === 'f32' || features.has('shader-f16'))) {
    expect(await compileVariants(products(dtype), traits)).toContain('tiled_64x64');
  }
});

// The null backend has the feature, but tells of no units and lets a workgroup use 16 KiB: the largest block, 128 × 128, is not
// compiled here; it is the code of the smaller ones with two more rows or columns of fragments, as other units' largest blocks have.
it.each([
  { M: 16, N: 16, K: 16, componentType: 'f16', blocks: [] },
  { M: 8, N: 16, K: 16, componentType: 'f16', blocks: ['matrix_64x128'] },
  { M: 8, N: 8, K: 8, componentType: 'f32', blocks: ['matrix_64x64'] },
])('every variant on matrix units of $M × $N × $K compiles', async ({ blocks, ...config }) => {
  const [traits] = devices(gpu).filter(({ software }) => !software);
  const matrixConfigs = [{ ...config, resultComponentType: 'f32' }];
  const layouts = traced(() => {
    const of = (rows: number, columns: number) => input(`${rows} × ${columns}`, [rows, columns], 'f16');
    return {
      across: matmul(of(12, 8), of(16, 12), { transposeA: true, transposeB: true }),
      along: matmul(of(8, 20), of(16, 20), { transposeB: true }),
    };
  });
  for (const subgroupMinSize of [8, 32]) {
    const device = { ...traits, subgroupMinSize, subgroupMaxSize: 32, matrixConfigs };
    for (const graph of [products('f16'), layouts]) {
      const names = await compileVariants(graph, device);
      expect(names).toEqual(expect.arrayContaining(['matrix', ...blocks]));
    }
  }
});

const folder = resolve(import.meta.dirname, '../kernels');
const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .map((file) => file.replaceAll('\\', '/'))
  .filter((file) => file.endsWith('.wgsl'));

it('no kernel is left that no program above reaches', () => {
  const compiled = new Set(gpu.pipelines.compiled.map((key) => key.split(' ')[0]));
  const kernels = files.filter((file) => !file.startsWith('lib/')).map((file) => file.replace(/\.wgsl$/, ''));
  expect(kernels.filter((kernel) => !compiled.has(kernel))).toEqual([]);
});

it('no kernel asks how long an array is: buffers may be longer than their tensors', () => {
  expect(files.filter((file) => /\barrayLength\s*\(/.test(readFileSync(join(folder, file), 'utf8')))).toEqual([]);
});
