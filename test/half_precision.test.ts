/** `--precision f16`: the whole step against the one of f32, over many steps, over overflows, over a stop and a resume. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { z } from 'zod';
import type { ImageSet } from '../src/data/images.ts';
import { hostImages } from '../src/data/source.ts';
import type { Gpu } from '../src/gpu/device.ts';
import { Program } from '../src/graph/program.ts';
import { State } from '../src/graph/state.ts';
import type { Tensor } from '../src/graph/tensor.ts';
import { BatchNorm, Conv2d, Linear } from '../src/nn/layers.ts';
import type { Mode } from '../src/nn/module.ts';
import { add } from '../src/ops/add.ts';
import { cast } from '../src/ops/cast.ts';
import { globalAvgPool } from '../src/ops/global_avg_pool.ts';
import { maxPool2d } from '../src/ops/max_pool.ts';
import { relu } from '../src/ops/relu.ts';
import { adam } from '../src/optim/adam.ts';
import type { LossScaling } from '../src/optim/loss_scaling.ts';
import { phaseRuns } from '../src/ssl/phase_runs.ts';
import { traceStep } from '../src/ssl/trace_step.ts';
import { TrainingStep } from '../src/ssl/training_step.ts';
import { lossScales, stepCount } from '../src/train/counters.ts';
import { divergence } from '../src/train/diagnose.ts';
import { type CheckpointKind, readTraining, saveTraining } from '../src/train/training_file.ts';
import { restore } from '../src/train/training_values.ts';
import { onEveryAdapter } from './ops/harness.ts';
import {
  type ContrastiveOptions,
  contrastiveDefaults,
  contrastiveParts,
  SimClr,
  type Trainable,
} from './ssl/contrastive.ts';
import { lowbias32 } from './values.ts';

// Seconds each on a machine of its own; tests of other files may share it.
vi.setConfig({ testTimeout: 600_000 });

/** Images with large patches of colour under noise, by formula. */
const images: ImageSet = {
  name: 'images by formula',
  count: 16,
  height: 32,
  width: 32,
  skipped: [],
  read(i, target, offset) {
    for (let byte = 0; byte < 32 * 32 * 3; byte++) {
      const patch = lowbias32(i * 100 + Math.floor(byte / 768) * 10 + (Math.floor(byte / 3) % 4) + (byte % 3) * 1000);
      target[offset + byte] = (patch % 200) + (lowbias32(byte + i * 7919) % 56);
    }
  },
};

const options = {
  ...contrastiveDefaults,
  imageSize: 16,
  batchSize: 4,
  temperature: 0.5,
  makeOptimizer: (weights: Tensor) => adam(weights),
} satisfies ContrastiveOptions;
const indices = Uint32Array.of(2, 0, 3, 1);
const half = { precision: 'f16' } as const;
const checkpoints: CheckpointKind = { format: 'test', former: 'older test', what: 'test', remedy: 'none' };
const progressSchema = z.object({ step: stepCount(), lossScales: lossScales() });

/** Every kind of layer that holds f16, small enough for many steps. */
class Small implements Trainable {
  private readonly conv1 = new Conv2d('conv1', 3, 8, { kernel: 3, padding: 1, seed: 1 });
  private readonly bn1 = new BatchNorm('bn1', 8);
  private readonly conv2 = new Conv2d('conv2', 8, 8, { kernel: 3, padding: 1, seed: 1 });
  private readonly bn2 = new BatchNorm('bn2', 8);
  private readonly fc = new Linear('fc', 8, 8, 1);
  private readonly layers = [this.conv1, this.bn1, this.conv2, this.bn2, this.fc];
  readonly parameters = this.layers.flatMap((layer) => layer.parameters);
  readonly buffers = this.layers.flatMap((layer) => layer.buffers);

  embeddings(images: Tensor, mode: Mode): Tensor {
    const x = cast(images, mode.precision ?? 'f32');
    const y = maxPool2d(relu(this.bn1.forward(this.conv1.forward(x), mode)), { kernel: 3, stride: 2, padding: 1 });
    return this.fc.forward(globalAvgPool(relu(add(this.bn2.forward(this.conv2.forward(y), mode), y))));
  }
}

/** A training of its own, and how to take steps in it. */
async function train(gpu: Gpu, more: Partial<ContrastiveOptions> = {}) {
  const state = new State(gpu);
  const model = new Small();
  const parts = contrastiveParts(model, hostImages(images), { ...options, ...more });
  const training = { ...parts, step: await TrainingStep.create(state, parts) };
  const { traced } = training.step;
  return {
    state,
    model,
    training,
    traced,
    scaling: traced.groups[0].trained.scaling!,
    step: (step: number) => training.step.step(indices, { step, epoch: 0, lr: 1e-3 }).read(),
    weights: () => state.read(model.parameters[0].tensor.flat!.parent),
    close() {
      training.step.destroy();
      state.destroy();
      gpu.trim();
    },
  };
}

/** Loss and flat gradients (not scaled) of a model's first step, and the memory of its intermediates beside them. */
async function firstStep(gpu: Gpu, model: Trainable, more: Partial<ContrastiveOptions>) {
  const state = new State(gpu);
  const parts = contrastiveParts(model, hostImages(images), { ...options, ...more });
  const indices = Uint32Array.from({ length: parts.settings.batchSize }, (_, i) => i);
  const traced = traceStep(parts);
  const [{ phase, inputs }] = phaseRuns(traced, parts, indices, { step: 1, epoch: 0, lr: 0 });
  const { scaling } = traced.groups[0].trained;
  const gradients = phase.graph.nodes.find(({ op }) => op.name === 'flatten')!.outputs[0];
  const program = await Program.compile(phase.graph, state, { loss: phase.outputs['loss'], gradients });
  const scale = scaling ? (await state.read(scaling.scale))[0] : 1;
  const values = await program.run(inputs).read();
  const bytes = program.plan.bufferSizes.reduce((a, b) => a + b, -4 * gradients.size);
  program.destroy();
  state.destroy();
  gpu.trim();
  return {
    loss: values['loss'][0],
    gradients: Float64Array.from(values['gradients'], (value) => value / scale),
    bytes,
  };
}

/** What a checkpoint says of a loss scale. */
const lossScaleOf = async (state: State, { scale, counts }: LossScaling) => ({
  scale: (await state.read(scale))[0],
  counts: Array.from(await state.read(counts)),
});

const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
};

onEveryAdapter((gpu) => {
  const needsF16 = (skip: (note: string) => void) => {
    if (!gpu().traits.features.has('shader-f16')) skip("the adapter has no 'shader-f16'");
  };

  it('an adapter without f16 says so in one line', async ({ skip }) => {
    if (gpu().traits.features.has('shader-f16')) skip('the adapter has f16');
    await expect(train(gpu(), half)).rejects.toThrow(
      /^--precision f16 needs the feature 'shader-f16', which '.+' does not have; use --precision f32 or another --adapter$/,
    );
  });

  // First embeddings of ResNet-18 are nearly equal, so its gradients hang on small differences: a step of f32 whose weights alone are
  // rounded to f16 has a cosine of 0.996, and every layer further from the loss a slightly lower one.
  it.for([
    ['a small model', () => new Small(), { batchSize: 16 }, 0.9999],
    ['ResNet-18', () => new SimClr({ embeddingDim: 16, headWidth: 32 }), { batchSize: 16, imageSize: 32 }, 0.98],
  ] as const)('loss and gradients are those of f32, in less memory: %s', async ([, make, size, least], { skip }) => {
    needsF16(skip);
    const narrow = await firstStep(gpu(), make(), { ...size, ...half });
    const wide = await firstStep(gpu(), make(), size);
    expect(Math.abs(narrow.loss / wide.loss - 1)).toBeLessThan(1e-2);
    const lengths = [narrow, wide].map(({ gradients }) => Math.sqrt(dot(gradients, gradients)));
    expect(dot(narrow.gradients, wide.gradients) / (lengths[0] * lengths[1])).toBeGreaterThan(least);
    expect(Math.abs(lengths[0] / lengths[1] - 1)).toBeLessThan(0.02);
    expect(narrow.bytes).toBeLessThan(0.7 * wide.bytes);
  });

  it('over 20 steps the loss falls as in f32, also in pieces', async ({ skip }) => {
    needsF16(skip);
    const losses: Record<string, number[]> = {};
    for (const [name, more] of Object.entries({ f32: {}, f16: half, pieces: { ...half, microBatch: 2 } })) {
      const { step, close } = await train(gpu(), more);
      losses[name] = [];
      for (let i = 1; i <= (name === 'pieces' ? 4 : 20); i++) losses[name].push((await step(i)).loss);
      close();
    }
    const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;
    const falls = (values: number[]) => mean(values.slice(0, 4)) - mean(values.slice(-4));
    expect(falls(losses['f32'])).toBeGreaterThan(0.2);
    expect(Math.abs(falls(losses['f16']) / falls(losses['f32']) - 1)).toBeLessThan(0.25);
    for (const i of [0, 1, 2]) expect(Math.abs(losses['f16'][i] / losses['f32'][i] - 1)).toBeLessThan(2e-2);
    expect(mean(losses['pieces'].slice(2))).toBeLessThan(losses['pieces'][0]);
  });

  it('overflows are skipped, the scale falls until a step is good, and a resumed run is the run that was not stopped', async ({
    skip,
  }) => {
    needsF16(skip);
    const folder = mkdtempSync(join(tmpdir(), 'half-precision-'));
    const first = await train(gpu(), half);
    const start = await first.weights();
    first.state.write(first.scaling.scale, Float32Array.of(2 ** 40));
    const scales: number[] = [];
    let skipped = 0;
    for (let i = 1; i <= 40 && scales.length === skipped; i++) {
      const values = await first.step(i);
      expect([values.firstNonFinite, Number.isFinite(values.loss)]).toEqual([0, true]);
      scales.push(values.lossScale!.scale);
      skipped = values.lossScale!.skipped;
      if (skipped === i) expect(await first.weights()).toEqual(start);
    }
    expect(skipped).toBeGreaterThan(3);
    expect(scales).toEqual([...Array.from({ length: skipped }, (_, i) => 2 ** (39 - i)), 2 ** (40 - skipped)]);
    expect(await first.weights()).not.toEqual(start);

    // saved between two steps that overflow and not
    first.state.write(first.scaling.scale, Float32Array.of(2 ** (40 - skipped + 1)));
    const path = join(folder, 'step-00000041.safetensors');
    const content = { settings: {}, progress: { step: 41 }, images: { count: 16, classes: 0 }, epochData: {} };
    await saveTraining(path, first.state, first.traced, checkpoints, content, () => '');
    const finish = async ({ step, weights, state, scaling }: typeof first) => {
      const values = [];
      for (const i of [42, 43, 44]) values.push(await step(i));
      return { values, weights: await weights(), lossScale: await lossScaleOf(state, scaling) };
    };
    const expected = await finish(first);
    expect(expected.lossScale.counts[2]).toBe(skipped + 1);
    first.close();
    const second = await train(gpu(), half);
    await second.step(1); // a copy of first weights is there: it must not survive
    const checkpoint = readTraining(path, checkpoints, progressSchema);
    restore(second.state, second.traced, checkpoint);
    expect(await finish(second)).toEqual(expected);
    expect(() => restore(second.state, second.traced, { ...checkpoint, progress: {} })).toThrow(
      /was written by an f32 run/,
    );
    second.close();
    rmSync(folder, { recursive: true });
  });

  it('what no scale can save stops the training, and the first tensor at fault is named', async ({ skip }) => {
    needsF16(skip);
    const { state, model, training, traced, scaling, step, weights, close } = await train(gpu(), half);
    const { tensor } = model.parameters.find((entry) => entry.tensor.name === 'bn2.weight')!;
    state.write(tensor, new Float32Array(tensor.size).fill(1e5));
    state.write(scaling.scale, Float32Array.of(1.5));
    const before = await weights();
    expect((await step(7)).firstNonFinite).toBe(7);
    expect(await weights()).toEqual(before);
    const error = await divergence(state, training, indices, { step: 7, epoch: 0, lr: 1e-3 }, 'Lower --lr');
    expect(error.message).toMatch(
      /^step 7: NaN or infinity appeared, first in relu \[8, 8, 8, 8\], element \d+; training stopped\. Lower --lr$/,
    );
    expect(training.step.traced).toBe(traced);
    close();
  });
});
