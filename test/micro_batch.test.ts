/** A step in pieces: equal to the plain one where it must be, in float64 and on every adapter; and what it does where it is not. */
import { expect, it, vi } from 'vitest';
import type { ImageSet } from '../src/data/images.ts';
import { hostImages, residentImages } from '../src/data/source.ts';
import { Gpu } from '../src/gpu/device.ts';
import { State } from '../src/graph/state.ts';
import type { Data, Tensor } from '../src/graph/tensor.ts';
import { BatchNorm, Conv2d, Linear } from '../src/nn/layers.ts';
import type { Mode } from '../src/nn/module.ts';
import { globalAvgPool } from '../src/ops/global_avg_pool.ts';
import { relu } from '../src/ops/relu.ts';
import { adam } from '../src/optim/adam.ts';
import { sgd } from '../src/optim/sgd.ts';
import { microBatchPhases } from '../src/ssl/micro_batch.ts';
import { plainPhase, type StepParts, type TracedStep } from '../src/ssl/step.ts';
import { traceStep, trainedGroups } from '../src/ssl/trace_step.ts';
import { type StepValues, TrainingStep } from '../src/ssl/training_step.ts';
import { divergence } from '../src/train/diagnose.ts';
import { stepParts } from '../src/train/learner.ts';
import { parseSettings } from '../src/train/settings.ts';
import { onEveryAdapter, relativeError } from './ops/harness.ts';
import { type ContrastiveOptions, contrastiveDefaults, contrastiveParts, type Trainable } from './ssl/contrastive.ts';
import { interpretStep } from './ssl/interpret_step.ts';
import { lowbias32 } from './values.ts';

vi.setConfig({ testTimeout: 300_000 });

const images: ImageSet = {
  name: 'images by formula',
  count: 13,
  height: 14,
  width: 12,
  skipped: [],
  read(i, target, offset) {
    for (let byte = 0; byte < 14 * 12 * 3; byte++) {
      const [row, column, channel] = [Math.floor(byte / 36), Math.floor(byte / 3) % 12, byte % 3];
      const patch = lowbias32(i * 100 + Math.floor(row / 4) * 10 + Math.floor(column / 4) + channel * 1000) % 200;
      target[offset + byte] = patch + (lowbias32(byte + i * 7919) % 56);
    }
  },
};
const indices = Uint32Array.of(4, 0, 12, 7, 9, 2);
const counters = { step: 1, epoch: 2, lr: 0.1 };
const options: ContrastiveOptions = {
  ...contrastiveDefaults,
  imageSize: 8,
  batchSize: indices.length,
  temperature: 0.5,
  makeOptimizer: (weights) => sgd(weights, { momentum: 0.9, weightDecay: 1e-3 }),
};

/** Convolution, batch norm, ReLU, pooling, head; `frozen`: batch norm in inference mode, so that no image sees another. */
class Small implements Trainable {
  private readonly layers = [
    new Conv2d('conv', 3, 8, { kernel: 3, padding: 1, seed: 1 }),
    new BatchNorm('bn', 8),
    new Linear('fc', 8, 6, 1),
  ] as const;
  readonly parameters = this.layers.flatMap((layer) => layer.parameters);
  readonly buffers = this.layers.flatMap((layer) => layer.buffers);

  constructor(private readonly frozen: boolean) {}

  embeddings(x: Tensor, mode: Mode): Tensor {
    const [conv, norm, head] = this.layers;
    const normal = norm.forward(conv.forward(x), this.frozen ? { training: false } : mode);
    return head.forward(globalAvgPool(relu(normal)));
  }
}

/** A layer so wide that few pairs fill what an adapter binds. */
class Wide implements Trainable {
  private readonly layers = [new Conv2d('conv', 3, 256, { kernel: 1, seed: 1 }), new Linear('fc', 256, 6, 1)] as const;
  readonly parameters = this.layers.flatMap((layer) => layer.parameters);

  embeddings(x: Tensor): Tensor {
    const [conv, head] = this.layers;
    return head.forward(globalAvgPool(relu(conv.forward(x))));
  }
}

type Make = (parts: StepParts) => TracedStep;

/** All at once, whatever the settings say. */
function plainStep(parts: StepParts): TracedStep {
  const groups = trainedGroups(parts.learner, parts.settings);
  return { learner: parts.learner, groups, phases: [plainPhase(parts, groups)] };
}

/** In pieces, even if it is a single one. */
function microBatchStep(parts: StepParts): TracedStep {
  const groups = trainedGroups(parts.learner, parts.settings);
  return { learner: parts.learner, groups, phases: microBatchPhases(parts, groups) };
}

/** Values that a step leaves, by name: its outputs, weights, running statistics, moments. */
type Left = Record<string, ArrayLike<number>>;

/** A step in float64. */
function reference(make: Make, model: Small, more: Partial<ContrastiveOptions> = {}): Left {
  const parts = contrastiveParts(model, hostImages(images), { ...options, ...more });
  const traced = make(parts);
  const values = interpretStep(traced, parts, indices, counters);
  const left = [...model.parameters, ...model.buffers].map(({ tensor }) => [tensor.name, values.get(tensor)] as const);
  const outputs = Object.entries(traced.phases.at(-1)!.outputs).map(([name, tensor]) => [name, values.get(tensor)]);
  return Object.fromEntries([...left, ...outputs].filter(([, value]) => value));
}

/** The same on a device, after `steps` steps. */
async function onDevice(
  gpu: Gpu,
  make: Make,
  model: Small,
  more: Partial<ContrastiveOptions> = {},
  steps = 1,
): Promise<Left> {
  const state = new State(gpu);
  const parts = contrastiveParts(model, residentImages(state, images), { ...options, ...more });
  const traced = make(parts);
  const training = await TrainingStep.compile(state, traced, parts);
  let outputs: Left = {};
  for (let step = 1; step <= steps; step++)
    outputs = numbersOf(await training.step(indices, { ...counters, step, epoch: counters.epoch + step - 1 }).read());
  const left: [string, Data][] = [];
  for (const { tensor } of [...model.parameters, ...model.buffers]) left.push([tensor.name, await state.read(tensor)]);
  for (const { name, variable } of traced.groups[0].trained.optimizer.state)
    left.push([name, await state.read(variable)]);
  training.destroy();
  state.destroy();
  gpu.trim();
  return Object.fromEntries([...left, ...Object.entries(outputs)]);
}

const numbersOf = ({ loss, metrics, firstNonFinite }: StepValues): Left =>
  Object.fromEntries(Object.entries({ loss, ...metrics, firstNonFinite }).map(([name, value]) => [name, [value]]));

function expectEqual(actual: Left, expected: Left, tolerance: number): void {
  expect(Object.keys(actual).sort()).toEqual(Object.keys(expected).sort());
  for (const [name, values] of Object.entries(expected))
    expect(relativeError(actual[name], values), name).toBeLessThanOrEqual(tolerance);
}

/** A device of its own that binds less than it could: what a batch needs to exceed takes too long where that is much. */
async function bindingAtMost(adapter: string, maxStorageBufferBindingSize: number): Promise<Gpu> {
  const gpu = await Gpu.open({ adapter });
  const { traits } = gpu;
  return Object.assign(gpu, { traits: { ...traits, limits: { ...traits.limits, maxStorageBufferBindingSize } } });
}

it.each([1, 2, 3, 6])('in float64, pieces of %i with frozen batch norm are the plain step', (microBatch) => {
  const plain = reference(plainStep, new Small(true));
  const pieces = reference(microBatchStep, new Small(true), { microBatch });
  expectEqual(pieces, plain, 1e-12);
});

it('in float64, a batch in one piece is the plain step, with batch norm in training', () => {
  const plain = reference(plainStep, new Small(false));
  expectEqual(reference(microBatchStep, new Small(false), { microBatch: 6 }), plain, 1e-12);
  // The test can fail: statistics of smaller pieces are others.
  const pieces = reference(microBatchStep, new Small(false), { microBatch: 3 });
  expect(relativeError(pieces['conv.weight'], plain['conv.weight'])).toBeGreaterThan(1e-4);
});

it('a step forgets as much of the running statistics however many pieces it has', () => {
  const start = 5;
  for (const microBatch of [1, 2, 3, 6]) {
    const model = new Small(false);
    const [mean] = model.buffers;
    (mean.tensor.origin as { init: () => Data }).init = () => new Float32Array(8).fill(start);
    const moved = reference(microBatchStep, model, { microBatch });
    const fromZero = reference(microBatchStep, new Small(false), { microBatch });
    for (let c = 0; c < 8; c++)
      expect(moved['bn.running_mean'][c] - fromZero['bn.running_mean'][c]).toBeCloseTo(0.9 * start, 12);
  }
});

it('pieces that do not make up the batch are refused; 0 and N mean the whole batch at once', () => {
  const trace = (microBatch: number) =>
    traceStep(contrastiveParts(new Small(true), hostImages(images), { ...options, microBatch }));
  expect(() => trace(4)).toThrow('microBatch (4) must divide batchSize (6)');
  expect(() => trace(12)).toThrow('microBatch (12) must divide batchSize (6)');
  expect([0, 6, 3].map((microBatch) => trace(microBatch).phases.length)).toEqual([1, 1, 4]);
});

it('settings: flags are named, and a run of a version that did not know pieces goes on as it was', () => {
  const parse = (given: object) => parseSettings(given);
  expect(() => parse({ batchSize: 4, microBatch: 3 })).toThrow(/^--micro-batch \(3\) must divide --batch-size \(4\)/);
  const { settings } = stepParts(hostImages(images), parse({ batchSize: 4, microBatch: 2 }));
  expect(settings).toMatchObject({ batchSize: 4, microBatch: 2 });
  const { microBatch: _, ...old } = parse({});
  expect(parse(old).microBatch).toBe(0);
});

onEveryAdapter((gpu) => {
  it.each([1, 2, 3])('pieces of %i with frozen batch norm equal the plain step, over two steps', async (microBatch) => {
    const plain = await onDevice(gpu(), plainStep, new Small(true), {}, 2);
    expectEqual(await onDevice(gpu(), microBatchStep, new Small(true), { microBatch }, 2), plain, 1e-5);
  });

  it('with batch norm in training: one piece equals the plain step, several equal the float64 reference', async () => {
    const plain = await onDevice(gpu(), plainStep, new Small(false), {}, 2);
    expectEqual(await onDevice(gpu(), microBatchStep, new Small(false), { microBatch: 6 }, 2), plain, 1e-6);
    const { momentum_buffer: _, ...pieces } = await onDevice(gpu(), microBatchStep, new Small(false), {
      microBatch: 2,
    });
    const expected = reference(microBatchStep, new Small(false), { microBatch: 2 });
    // Weights by how far they moved: the gradient again.
    expectEqual(pieces, expected, 1e-5);
  });

  it('a gradient that is not finite stops the update, and the tensor is found', async () => {
    const state = new State(gpu());
    const model = new Small(false);
    const given = { ...options, microBatch: 2, makeOptimizer: (weights: Tensor) => adam(weights) };
    const parts = contrastiveParts(model, hostImages(images), given);
    const step = await TrainingStep.create(state, parts);
    const weight = model.parameters.find(({ tensor }) => tensor.name === 'bn.weight')!.tensor;
    state.write(weight, new Float32Array(weight.size).fill(3e38));
    const before = await state.readAll(model.parameters.map(({ tensor }) => tensor));
    const values = await step.step(indices, { ...counters, step: 7 }).read();
    expect(values.firstNonFinite).toBe(7);
    expect(await state.readAll(model.parameters.map(({ tensor }) => tensor))).toEqual(before);
    const error = await divergence(state, { ...parts, step }, indices, { ...counters, step: 7 }, 'Lower --lr');
    expect(error.message).toMatch(
      /^step 7: NaN or infinity appeared, first in relu \[4, 8, 8, 8\], element \d+; training stopped\. Lower --lr$/,
    );
    step.destroy();
    state.destroy();
    gpu().trim();
  });

  it('a batch of which one tensor is more than the adapter binds trains in pieces, in memory that stays the same', async () => {
    const small = await bindingAtMost(gpu().traits.adapter, 2 ** 23);
    const limit = small.traits.limits['maxStorageBufferBindingSize'];
    const side = 16;
    const pairs = limit / (2 * side * side * 256 * 4) + 2;
    const many = { ...images, count: pairs };
    const given = { ...options, imageSize: side, batchSize: pairs };
    const state = new State(small);
    const source = hostImages(many);
    await expect(TrainingStep.create(state, contrastiveParts(new Wide(), source, given))).rejects.toThrow(
      /^\S*conv2d \[\d+,16,16,256\]: 'y' is \d+ MiB, but '.+' binds at most \d+ MiB; .* or micro-batches \(--micro-batch\)$/,
    );
    const inPieces = contrastiveParts(new Wide(), source, { ...given, microBatch: 2 });
    const training = await TrainingStep.create(state, inPieces);
    const all = Uint32Array.from({ length: pairs }, (_, i) => i);
    const losses: number[] = [];
    let bytes = 0;
    for (let step = 1; step <= 2; step++) {
      losses.push((await training.step(all, { ...counters, step, lr: 0.01 }).read()).loss);
      if (step === 1) bytes = small.bytes;
    }
    expect(losses[1]).toBeLessThan(losses[0]);
    expect(small.bytes).toBe(bytes);
    expect(bytes).toBeLessThan(limit);
    training.destroy();
    state.destroy();
    small.destroy();
  });
});
