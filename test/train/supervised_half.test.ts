/** Training on labels with `--precision f16`: its gradients, what stops it, and what it leaves as it is. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { hostImages } from '../../src/data/source.ts';
import { Gpu } from '../../src/gpu/device.ts';
import { Program } from '../../src/graph/program.ts';
import { State } from '../../src/graph/state.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { classification, supervisedViews } from '../../src/methods/supervised.ts';
import { Classifier } from '../../src/nn/classifier.ts';
import { BatchNorm, Conv2d, Linear } from '../../src/nn/layers.ts';
import type { Mode, NamedTensor } from '../../src/nn/module.ts';
import { ResNet } from '../../src/nn/resnet.ts';
import { add } from '../../src/ops/add.ts';
import { cast } from '../../src/ops/cast.ts';
import { globalAvgPool } from '../../src/ops/global_avg_pool.ts';
import type { Precision } from '../../src/ops/precision.ts';
import { relu } from '../../src/ops/relu.ts';
import { phaseRuns } from '../../src/ssl/phase_runs.ts';
import { type StepParts, trainingMode } from '../../src/ssl/step.ts';
import { traceStep } from '../../src/ssl/trace_step.ts';
import type { SupervisedSettings } from '../../src/train/supervised_settings.ts';
import { scratchFolder } from '../cli/run.ts';
import { onEveryAdapter } from '../ops/harness.ts';
import { data, different, half, halfTrainings, model, numbers, settingsOf } from './half_training.ts';

// Seconds each on a machine of its own; tests of other files may share it.
vi.setConfig({ testTimeout: 600_000 });

const folder = scratchFolder();

/** Every kind of layer that holds f16. */
class SmallEncoder extends ResNet {
  private readonly small = [
    new Conv2d('conv1', 3, 8, { kernel: 3, padding: 1, seed: 1 }),
    new BatchNorm('bn1', 8),
    new Conv2d('conv2', 8, 8, { kernel: 3, padding: 1, seed: 1 }),
    new BatchNorm('bn2', 8),
  ] as const;

  override get parameters(): readonly NamedTensor[] {
    return this.small.flatMap((layer) => layer.parameters);
  }

  override forward(images: Tensor, mode: Mode): Tensor {
    const [conv1, bn1, conv2, bn2] = this.small;
    const x = cast(images, mode.precision ?? 'f32');
    const y = relu(bn1.forward(conv1.forward(x), mode));
    return globalAvgPool(relu(add(bn2.forward(conv2.forward(y), mode), y)));
  }
}

/** It under a classifier's last layer. */
class Small extends Classifier {
  override readonly encoder: ResNet;
  override readonly fc: Linear;

  constructor() {
    const options = { architecture: 'resnet18', stem: 'cifar', seed: 1, classes: 10 } as const;
    super(options);
    this.encoder = new SmallEncoder(options);
    this.fc = new Linear('last', 8, 10, 1);
  }
}

/** A step on all images at once. */
function partsOf(classifier: Classifier, mode: 'transfer' | 'frozen', settings: SupervisedSettings): StepParts {
  const frozen = mode === 'frozen' ? settings.frozenBn : undefined;
  return {
    learner: classification(classifier, { training: trainingMode(settings), frozen }),
    views: supervisedViews(settings),
    source: hostImages(data.train),
    settings: { ...settings, batchSize: data.train.count, microBatch: 0, steps: 0 },
  };
}

/** Loss and flat gradients (not scaled) of a first step, and the memory of its intermediates beside them. */
async function firstStep(gpu: Gpu, classifier: Classifier, precision: Precision) {
  const state = new State(gpu);
  const parts = partsOf(classifier, 'transfer', settingsOf({ precision }));
  const traced = traceStep(parts);
  const { scaling } = traced.groups[0].trained;
  const indices = Uint32Array.from({ length: 24 }, (_, i) => i);
  const [{ phase, inputs }] = phaseRuns(traced, parts, indices, { step: 1, epoch: 0, lr: 0 });
  const { graph, outputs } = phase;
  const gradients = graph.nodes.find(({ op }) => op.name === 'flatten')!.outputs[0];
  const program = await Program.compile(graph, state, { loss: outputs['loss'], gradients });
  const scale = scaling ? (await state.read(scaling.scale))[0] : 1;
  const values = await program.run(inputs).read();
  const bytes = program.plan.bufferSizes.reduce((a, b) => a + b, -4 * gradients.size);
  program.destroy();
  state.destroy();
  gpu.trim();
  return {
    loss: values['loss'][0],
    gradients: Array.from(values['gradients'], (value) => value / scale),
    bytes,
    scale,
  };
}

const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, value, i) => sum + value * b[i], 0);

onEveryAdapter((gpu) => {
  const { needsF16, run, initial } = halfTrainings(gpu, folder);

  it('an adapter without f16 says so in one line, before anything is written', async ({ skip }) => {
    if (gpu().traits.features.has('shader-f16')) skip('the adapter has f16');
    for (const mode of ['baseline', 'frozen', 'transfer'] as const) {
      await expect(run(mode, 'refused', half, { encoder: new Map() })).rejects.toThrow(
        /^--precision f16 needs the feature 'shader-f16', which '.+' does not have; use --precision f32 or another --adapter$/,
      );
    }
    expect(existsSync(join(folder, 'refused'))).toBe(false);
  });

  it.for([
    ['a small model', () => new Small(), 0.9999],
    ['ResNet-18', () => new Classifier({ architecture: 'resnet18', stem: 'imagenet', seed: 1, classes: 10 }), 0.98],
  ] as const)('loss and gradients are those of f32, in less memory: %s', async ([, make, least], { skip }) => {
    needsF16(skip);
    const narrow = await firstStep(gpu(), make(), 'f16');
    const wide = await firstStep(gpu(), make(), 'f32');
    expect([narrow.scale, wide.scale]).toEqual([65536, 1]);
    expect(Math.abs(narrow.loss / wide.loss - 1)).toBeLessThan(1e-2);
    const lengths = [narrow, wide].map(({ gradients }) => Math.sqrt(dot(gradients, gradients)));
    const cosine = dot(narrow.gradients, wide.gradients) / (lengths[0] * lengths[1]);
    expect(cosine).toBeGreaterThan(least);
    expect(Math.abs(lengths[0] / lengths[1] - 1)).toBeLessThan(0.02);
    expect(narrow.bytes).toBeLessThan(0.75 * wide.bytes);
  });

  it('a frozen encoder runs in f16 and is not changed; features that are computed once, and the head, are f32', async ({
    skip,
  }) => {
    needsF16(skip);
    const crops = { supervisedAugment: 'crop-flip', epochs: 1 };
    const [wide, narrow] = [await run('frozen', 'wide', crops), await run('frozen', 'narrow', { ...crops, ...half })];
    const before = new Map(
      [...(await initial())].map(([name, { shape, data }]) => [name, { shape, data, dtype: 'F32' } as const]),
    );
    for (const [name, result] of Object.entries({ wide, narrow })) {
      expect(result).toMatchObject({ trained: 5130, encoder: { after: result.encoder.before } });
      expect(different(before, model(folder, name))).toEqual([]);
      expect(result.last.lossScale).toBeUndefined();
    }
    expect(narrow.last.trainLoss).not.toBe(wide.last.trainLoss);
    expect(Math.abs(narrow.last.trainLoss / wide.last.trainLoss - 1)).toBeLessThan(1e-3);
    const cached = [await run('frozen', 'cached wide', {}), await run('frozen', 'cached narrow', half)];
    expect(numbers(cached[1])).toEqual(numbers(cached[0]));
  });

  it('what no scale can save stops the training, and the first tensor at fault is named', async ({ skip }) => {
    needsF16(skip);
    await expect(run('transfer', 'nan', { ...half, lr: 1e38, optimizer: 'sgd' })).rejects.toThrow(
      /^step 2: NaN or infinity appeared, first in .+, element \d+; training stopped\. Lower the learning rate, or train with --precision f32$/,
    );
  });

  it('a folder from before there was the setting is of f32; the other precision is another training', async ({
    skip,
  }) => {
    needsF16(skip);
    const result = await run('frozen', 'older', { epochs: 1 });
    const file = join(folder, 'older', 'config.json');
    const { settings, ...config } = JSON.parse(readFileSync(file, 'utf8'));
    expect(settings.precision).toBe('f32');
    delete settings.precision;
    writeFileSync(file, JSON.stringify({ ...config, settings }));
    expect(await run('frozen', 'older', { epochs: 1 })).toEqual(result);
    await expect(run('frozen', 'older', { ...half, epochs: 1 })).rejects.toThrow(
      /holds a training with precision f32 in place of f16; choose another folder$/,
    );
  });
});

it.each(['transfer', 'frozen'] as const)('on GPUs: every kernel of a step of %s compiles', async (mode) => {
  const gpu = await Gpu.open({ nullBackend: true });
  const settings = settingsOf({ ...half, supervisedAugment: 'simclr' });
  const classifier = new Classifier({ architecture: 'resnet18', stem: 'imagenet', seed: 1, classes: 10 });
  const [{ graph, outputs }] = traceStep(partsOf(classifier, mode, settings)).phases;
  const read = graph.nodes.filter(({ op }) => op.name === 'conv2d').flatMap(({ inputs }) => inputs);
  expect(new Set(read.map(({ dtype }) => dtype))).toEqual(new Set(['f16']));
  // Of the images alone: copies of weights are not made in a step.
  expect(graph.nodes.filter(({ op }) => op.name === 'cast')).toHaveLength(1);
  for (const software of [false, true]) {
    const state = new State(Object.create(gpu, { traits: { value: { ...gpu.traits, software } } }));
    const program = await Program.compile(graph, state, outputs);
    expect(program.plan.launches.length).toBeGreaterThan(20);
    program.destroy();
    state.destroy();
  }
  gpu.destroy();
});
