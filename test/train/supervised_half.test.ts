/** Training on labels with `--precision f16`: its gradients, overflows, stops and resumes, and what it leaves as it is. */
import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { readJsonLines } from '../../src/data/files.ts';
import { readSafetensors, writeSafetensors } from '../../src/data/safetensors.ts';
import { hostImages } from '../../src/data/source.ts';
import { Gpu } from '../../src/gpu/device.ts';
import { Program } from '../../src/graph/program.ts';
import { State } from '../../src/graph/state.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { Classifier } from '../../src/nn/classifier.ts';
import { BatchNorm, Conv2d, Linear } from '../../src/nn/layers.ts';
import type { Entry, Mode } from '../../src/nn/module.ts';
import { ResNet } from '../../src/nn/resnet.ts';
import { entriesOf, readEntries, type TorchTensor } from '../../src/nn/state_dict.ts';
import { add } from '../../src/ops/add.ts';
import { cast } from '../../src/ops/cast.ts';
import { globalAvgPool } from '../../src/ops/global_avg_pool.ts';
import type { Precision } from '../../src/ops/precision.ts';
import { relu } from '../../src/ops/relu.ts';
import type { LossScaleProgress } from '../../src/train/checkpoint.ts';
import type { StepReport } from '../../src/train/events.ts';
import {
  classifierFile,
  parseSupervisedSettings,
  type SupervisedMode,
  type SupervisedOptions,
  type SupervisedResult,
  trainSupervised,
} from '../../src/train/supervised.ts';
import { supervisedStepOptions } from '../../src/train/supervised_settings.ts';
import { traceSupervised, trainingImages } from '../../src/train/supervised_step.ts';
import { scratchFolder } from '../cli/run.ts';
import { onEveryAdapter } from '../ops/harness.ts';
import { drawn } from './drawn.ts';

// Seconds each on a machine of its own; tests of other files may share it.
vi.setConfig({ testTimeout: 600_000 });

const folder = scratchFolder();
const size = 16;
const data = { train: drawn('train', 24, size), test: drawn('test', 12, size) };
const half = { precision: 'f16' } as const;
const settingsOf = (more: object) =>
  parseSupervisedSettings({ imageSize: size, batchSize: 12, epochs: 2, seed: 3, ...more });

/** Every kind of layer that holds f16, under a classifier's last layer. */
class Small extends Classifier {
  private readonly conv1 = new Conv2d('conv1', 3, 8, { kernel: 3, padding: 1, seed: 1 });
  private readonly bn1 = new BatchNorm('bn1', 8);
  private readonly conv2 = new Conv2d('conv2', 8, 8, { kernel: 3, padding: 1, seed: 1 });
  private readonly bn2 = new BatchNorm('bn2', 8);
  private readonly last = new Linear('last', 8, 10, 1);

  constructor() {
    super({ architecture: 'resnet18', stem: 'cifar', seed: 1, classes: 10 });
  }

  override get parameters(): readonly Entry[] {
    return [this.conv1, this.bn1, this.conv2, this.bn2, this.last].flatMap((layer) => layer.parameters);
  }

  override features(images: Tensor, mode: Mode): Tensor {
    const x = cast(images, mode.precision ?? 'f32');
    const y = relu(this.bn1.forward(this.conv1.forward(x), mode));
    return globalAvgPool(relu(add(this.bn2.forward(this.conv2.forward(y), mode), y)));
  }

  override logits(features: Tensor): Tensor {
    return this.last.forward(features);
  }
}

/** Loss and flat gradients (not scaled) of a first step, and the memory of its intermediates beside them. */
async function firstStep(gpu: Gpu, classifier: Classifier, precision: Precision) {
  const state = new State(gpu);
  const options = supervisedStepOptions(settingsOf({ precision }), 24);
  const examples = trainingImages(hostImages(data.train), 'transfer', options);
  const { graph, outputs, optimizer, scaling } = traceSupervised(classifier, 'transfer', examples, options);
  const gradients = graph.nodes.find(({ op }) => op.name === 'flatten')!.outputs[0];
  const program = await Program.compile(graph, state, { loss: outputs['loss'], gradients });
  const scale = scaling ? (await state.read(scaling.scale))[0] : 1;
  const indices = Uint32Array.from({ length: 24 }, (_, i) => i);
  const labels = indices.map((i) => data.train.labels![i]);
  const inputs = { ...optimizer.scalars(1, 0), step: Uint32Array.of(1), ...examples.inputs(indices, 0) };
  const known = new Set(program.plan.leaves.map(({ name }) => name));
  const given = Object.entries({ indices, labels, ...inputs }).filter(([name]) => known.has(name));
  const values = await program.run(Object.fromEntries(given)).read();
  const bytes = program.plan.slots.reduce((a, b) => a + b, -4 * gradients.size);
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

/** Numbers of a result that do not depend on the clock. */
const numbers = (result: SupervisedResult) =>
  JSON.parse(JSON.stringify(result, (key, value) => (/seconds$|imagesPerSecond/i.test(key) ? undefined : value)));
const model = (name: string) => readSafetensors(classifierFile(join(folder, name))).tensors;
const checkpointOf = (name: string) => join(folder, name, 'checkpoint.safetensors');
type Tensors = ReturnType<typeof readSafetensors>['tensors'];
/** Names of tensors that are not, bit for bit, the same in both. (`toEqual` takes seconds for ten million numbers.) */
const different = (a: Tensors, b: Tensors): string[] =>
  [...a.keys()].filter((key) => !bytes(a.get(key)!.data).equals(bytes(b.get(key)!.data)));
const bytes = ({ buffer, byteOffset, byteLength }: ArrayBufferView) => Buffer.from(buffer, byteOffset, byteLength);

async function firstEncoder(gpu: Gpu): Promise<Map<string, TorchTensor>> {
  const state = new State(gpu);
  try {
    return await readEntries(state, entriesOf(new ResNet({ architecture: 'resnet18', stem: 'imagenet', seed: 77 })));
  } finally {
    state.destroy();
  }
}

/** Changes what a checkpoint says of the loss scale. */
function setScale(path: string, scale: number): void {
  const { tensors, metadata } = readSafetensors(path);
  const progress = JSON.parse(metadata['progress']) as { lossScale: LossScaleProgress };
  expect(progress.lossScale).toEqual({ scale: 65536, counts: [1, 1, 0] });
  progress.lossScale = { ...progress.lossScale, scale };
  writeSafetensors(path, tensors, { ...metadata, progress: JSON.stringify(progress) });
}

onEveryAdapter((gpu) => {
  const needsF16 = (skip: (note: string) => void) => {
    if (!gpu().traits.features.has('shader-f16')) skip("the adapter has no 'shader-f16'");
  };

  let encoder: Map<string, TorchTensor> | undefined;
  const run = async (
    mode: SupervisedMode,
    name: string,
    settings: object,
    options: Partial<SupervisedOptions> = {},
  ) => {
    encoder ??= await firstEncoder(gpu());
    const given = { folder: join(folder, name), encoder, ...options };
    return trainSupervised(gpu(), data, mode, settingsOf(settings), given);
  };

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

  it('overflows are skipped, and a training that was killed and stopped is the one that was not', async ({ skip }) => {
    needsF16(skip);
    const settings = { ...half, epochs: 3 };
    const stopAt = (at: number) => {
      const controller = new AbortController();
      const onStep = ({ step }: { step: number }) => step === at && controller.abort(new Error('stopped'));
      return { signal: controller.signal, events: { onStep } };
    };
    await expect(run('transfer', 'straight', settings, stopAt(1))).rejects.toThrow('stopped');
    setScale(checkpointOf('straight'), 2 ** 20);
    cpSync(join(folder, 'straight'), join(folder, 'killed'), { recursive: true });
    const first = readSafetensors(checkpointOf('straight')).tensors;

    const reports: StepReport[] = [];
    const straight = await run('transfer', 'straight', settings, {
      events: { onStep: (report) => reports.push(report) },
    });
    const skipped = reports.map(({ lossScale }) => lossScale!.skipped);
    const bad = skipped[4];
    expect([bad > 1, bad < 5]).toEqual([true, true]);
    expect(skipped).toEqual([1, 2, 3, 4, 5].map((step) => Math.min(step, bad)));
    expect(reports.map(({ lossScale }) => lossScale!.scale)).toEqual(skipped.map((count) => 2 ** (20 - count)));
    expect(reports.every(({ loss }) => Number.isFinite(loss))).toBe(true);
    expect(straight.last.lossScale).toEqual(reports.at(-1)!.lossScale);

    const kill = () => {
      throw new Error('killed');
    };
    const killed = { events: { onStep: ({ step }: { step: number }) => step === 3 && kill() } };
    await expect(run('transfer', 'killed', settings, killed)).rejects.toThrow('killed');
    // The second step overflowed: only the running statistics moved, which are of the forward pass.
    const kept = different(first, readSafetensors(checkpointOf('killed')).tensors);
    expect(kept.length).toBeGreaterThan(0);
    expect(kept.filter((name) => !/running_|num_batches/.test(name))).toEqual([]);
    await expect(run('transfer', 'killed', settings, stopAt(5))).rejects.toThrow('stopped');
    expect(numbers(await run('transfer', 'killed', settings))).toEqual(numbers(straight));
    expect(different(model('straight'), model('killed'))).toEqual([]);
    const lines = (name: string) => readJsonLines(join(folder, name, 'metrics.jsonl')) as StepReport[];
    const told = (name: string) => lines(name).map(({ step, loss, lossScale }) => [step, loss, lossScale]);
    expect(told('killed')).toEqual(told('straight'));
  });

  it('a frozen encoder runs in f16 and is not changed; features that are computed once, and the head, are f32', async ({
    skip,
  }) => {
    needsF16(skip);
    const crops = { supervisedAugment: 'crop-flip', epochs: 1 };
    const [wide, narrow] = [await run('frozen', 'wide', crops), await run('frozen', 'narrow', { ...crops, ...half })];
    const before = new Map(
      [...encoder!].map(([name, { shape, data }]) => [name, { shape, data, dtype: 'F32' } as const]),
    );
    for (const [name, result] of Object.entries({ wide, narrow })) {
      expect(result).toMatchObject({ trained: 5130, encoder: { after: result.encoder.before } });
      expect(different(before, model(name))).toEqual([]);
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
  const options = supervisedStepOptions(settingsOf({ ...half, supervisedAugment: 'simclr' }), 24);
  const examples = trainingImages(hostImages(data.train), mode, options);
  const classifier = new Classifier({ architecture: 'resnet18', stem: 'imagenet', seed: 1, classes: 10 });
  const { graph, outputs } = traceSupervised(classifier, mode, examples, options);
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
