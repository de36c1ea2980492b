/** Supervised training end to end, tiny: learns, keeps what is frozen, goes on where it was stopped, says what is wrong. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { evaluateClassifier } from '../../src/analysis/classifier.ts';
import { subset } from '../../src/data/images.ts';
import { Gpu } from '../../src/gpu/device.ts';
import { State } from '../../src/graph/state.ts';
import { readJsonLines } from '../../src/io/files.ts';
import { lockFolder } from '../../src/io/folder_lock.ts';
import { readSafetensors } from '../../src/io/safetensors.ts';
import { ResNet } from '../../src/nn/resnet.ts';
import { entriesOf, readEntries, type TorchTensor } from '../../src/nn/state_dict.ts';
import { loadClassifier } from '../../src/train/classifier_file.ts';
import {
  checkFrozen,
  classifierFile,
  parseSupervisedSettings,
  type SupervisedMode,
  type SupervisedOptions,
  type SupervisedResult,
  trainSupervised,
} from '../../src/train/supervised.ts';
import { scratchFolder } from '../cli/run.ts';
import { adapters } from '../ops/harness.ts';
import { drawn } from './drawn.ts';
import { rewriteAsFormer } from './made.ts';

const folder = scratchFolder();
const size = 16;
const train = drawn('train', 45, size);
const test = drawn('test', 23, size);
const tiny = { imageSize: size, batchSize: 20, epochs: 2, seed: 3 };

let gpu: Gpu;
let encoder: Map<string, TorchTensor>;

beforeAll(async () => {
  gpu = await Gpu.open({ adapter: adapters[0] });
  const state = new State(gpu);
  encoder = await readEntries(state, entriesOf(new ResNet({ architecture: 'resnet18', stem: 'imagenet', seed: 77 })));
  state.destroy();
  gpu.trim();
});
afterAll(() => gpu.destroy());

const run = (
  mode: SupervisedMode,
  name: string,
  settings: object = {},
  options: Partial<SupervisedOptions> = {},
  data = { train, test },
): Promise<SupervisedResult> =>
  trainSupervised(gpu, data, mode, parseSupervisedSettings({ ...tiny, ...settings }), {
    folder: join(folder, name),
    encoder,
    ...options,
  });

/** Numbers of a result that do not depend on the clock. */
const numbers = (result: SupervisedResult) => {
  const timeless = ({ seconds, imagesPerSecond, ...rest }: SupervisedResult['last']) => rest;
  const { wallSeconds, ...rest } = result;
  return { ...rest, epochs: result.epochs.map(timeless), last: timeless(result.last), best: timeless(result.best) };
};
/** Names of tensors that are not, bit for bit, the same in both. (`toEqual` takes seconds for ten million numbers.) */
function different(expected: ReadonlyMap<string, { data: ArrayBufferView }>, name: string): string[] {
  const found = model(name);
  return [...expected]
    .filter(([key, { data }]) => !bytes(data).equals(bytes(found.get(key)!.data)))
    .map(([key]) => key);
}
const bytes = ({ buffer, byteOffset, byteLength }: ArrayBufferView) => Buffer.from(buffer, byteOffset, byteLength);
const model = (name: string) => readSafetensors(classifierFile(join(folder, name))).tensors;
const lines = (name: string) => readJsonLines(join(folder, name, 'metrics.jsonl')) as Record<string, number | string>[];

describe('training from scratch', () => {
  let result: SupervisedResult;
  beforeAll(async () => {
    result = await run('baseline', 'baseline', { epochs: 12 });
  });

  it('learns: the loss falls, training accuracy rises far above chance', () => {
    const [first, last] = [result.epochs[0], result.last];
    expect(first.trainLoss).toBeGreaterThan(1.8);
    expect(last.trainLoss).toBeLessThan(first.trainLoss / 3);
    expect(last.trainAccuracy).toBeGreaterThan(0.8);
    expect(result.epochs.map(({ epoch }) => epoch)).toEqual(Array.from({ length: 12 }, (_, i) => i + 1));
  });

  it('counts what it trains, whole batches, and the best epoch beside the last', () => {
    expect(result).toMatchObject({ mode: 'baseline', classes: 10, parameters: 11_181_642, trained: 11_181_642 });
    expect(result).toMatchObject({ batchSize: 20, stepsPerEpoch: 2 });
    expect(result.last).toEqual(result.epochs[11]);
    const most = Math.max(...result.epochs.map(({ testAccuracy }) => testAccuracy));
    expect(result.best).toEqual(result.epochs.find(({ testAccuracy }) => testAccuracy === most));
    expect(result.encoder.after).not.toEqual(result.encoder.before);
  });

  it('an epoch is the mean of its steps', () => {
    const logged = lines('baseline');
    const steps = logged.filter(({ type, epoch }) => type === 'step' && epoch === 5);
    expect(steps).toHaveLength(2);
    const mean = steps.reduce((sum, { loss }) => sum + Number(loss), 0) / 2;
    expect(result.epochs[4].trainLoss).toBe(mean);
    expect(logged.filter(({ type }) => type === 'epoch')).toHaveLength(12);
  });

  it('leaves a classifier under torchvision’s names that says of the test set what the last epoch said', async () => {
    const tensors = model('baseline');
    expect(tensors.size).toBe(122);
    expect(tensors.get('fc.weight')?.shape).toEqual([10, 512]);
    expect(tensors.get('bn1.num_batches_tracked')?.data).toEqual(BigInt64Array.of(24n));
    const state = new State(gpu);
    const loaded = loadClassifier(state, classifierFile(join(folder, 'baseline')));
    expect(loaded.classNames).toEqual(train.classNames);
    const { accuracy, loss, count, confusion } = await evaluateClassifier(
      state,
      loaded.classifier,
      test,
      loaded.preparation,
    );
    state.destroy();
    expect({ accuracy, loss }).toEqual({ accuracy: result.last.testAccuracy, loss: result.last.testLoss });
    expect(count).toBe(23);
    expect(confusion.map((row) => row.reduce((a, b) => a + b))).toEqual([3, 3, 3, 2, 2, 2, 2, 2, 2, 2]);
  });

  it('called again returns the stored result', async () => {
    const events = { onStep: () => expect.fail('trained again') };
    expect(await run('baseline', 'baseline', { epochs: 12, checkpointEvery: 5 }, { events })).toEqual(result);
    expect(existsSync(join(folder, 'baseline', 'checkpoint.safetensors'))).toBe(false);
  });

  it('refuses a folder that holds another training', async () => {
    const others: [SupervisedMode, object, RegExp][] = [
      ['baseline', { epochs: 13 }, /holds a training with epochs 12 in place of 13; choose another folder$/],
      ['transfer', { epochs: 12 }, /with another kind of training/],
    ];
    for (const [mode, settings, message] of others) {
      await expect(run(mode, 'baseline', settings)).rejects.toThrow(message);
    }
    const other = { train, test: subset(test, Uint32Array.of(0, 1, 2)) };
    await expect(run('baseline', 'baseline', { epochs: 12 }, {}, other)).rejects.toThrow(/with other test images/);
  });
});

describe('frozen and transfer', () => {
  it('frozen: only the new layer is trained; cached features give what the direct way gives', async () => {
    const cached = await run('frozen', 'cached');
    const direct = await run('frozen', 'direct', {}, { cacheFeatures: false });
    for (const result of [cached, direct]) {
      expect(result.trained).toBe(5130);
      expect(result.encoder.after).toEqual(result.encoder.before);
    }
    for (const name of ['cached', 'direct']) expect(different(encoder, name)).toEqual([]);
    cached.epochs.forEach((epoch, i) => {
      expect(epoch.trainLoss).toBeCloseTo(direct.epochs[i].trainLoss, 5);
      expect(epoch.testLoss).toBeCloseTo(direct.epochs[i].testLoss, 5);
      expect(epoch.testAccuracy).toBe(direct.epochs[i].testAccuracy);
    });
    const [a, b] = ['cached', 'direct'].map((name) => model(name).get('fc.weight')!.data as Float32Array);
    expect(Math.max(...a.map((value, i) => Math.abs(value - b[i])))).toBeLessThan(1e-5);
    expect(cached.last.trainLoss).toBeLessThan(cached.epochs[0].trainLoss);
  });

  it('frozen: an encoder that changed is an error; with the batch’s statistics only its weights count', () => {
    const before = { weights: 'aa', statistics: 'bb' };
    expect(() => checkFrozen(before, before, 'eval')).not.toThrow();
    expect(() => checkFrozen(before, { ...before, weights: 'cc' }, 'batch')).toThrow(/weights changed .*aa.*cc/);
    const moved = { ...before, statistics: 'dd' };
    expect(() => checkFrozen(before, moved, 'eval')).toThrow(/running statistics changed/);
    expect(() => checkFrozen(before, moved, 'batch')).not.toThrow();
  });

  it('frozen with the batch’s statistics: weights stay, running statistics follow', async () => {
    const { encoder: digests, trained } = await run('frozen', 'batch', { frozenBn: 'batch', epochs: 1 });
    expect(trained).toBe(5130);
    expect(digests.after.weights).toBe(digests.before.weights);
    expect(digests.after.statistics).not.toBe(digests.before.statistics);
  });

  it('transfer: every layer is trained, from the encoder', async () => {
    const { encoder: digests, trained } = await run('transfer', 'transfer', { epochs: 1 });
    const frozen = JSON.parse(readFileSync(join(folder, 'cached', 'result.json'), 'utf8')) as SupervisedResult;
    expect(trained).toBe(11_181_642);
    expect(digests.before).toEqual(frozen.encoder.before);
    expect(digests.after.weights).not.toBe(digests.before.weights);
  });

  it.each(['crop-flip', 'simclr'])('augmentation %s changes what training sees, and training runs', async (augment) => {
    const plain = await run('frozen', 'cached');
    const augmented = await run('frozen', augment, { supervisedAugment: augment });
    expect(augmented.encoder.after).toEqual(augmented.encoder.before);
    expect(augmented.epochs[0].trainLoss).not.toBeCloseTo(plain.epochs[0].trainLoss, 4);
  });

  it('fewer images than a batch: all of them are the batch', async () => {
    const few = subset(
      train,
      Uint32Array.from({ length: 12 }, (_, i) => i),
    );
    const result = await run('frozen', 'few', { batchSize: 256, epochs: 3 }, {}, { train: few, test });
    expect(result).toMatchObject({ batchSize: 12, stepsPerEpoch: 1 });
    expect(result.epochs).toHaveLength(3);
  });
});

describe('a training that is stopped and called again is the one that was not stopped', () => {
  const modes: [SupervisedMode, object][] = [
    ['transfer', { supervisedAugment: 'simclr', optimizer: 'sgd', schedule: 'cosine', lr: 0.05 }],
    ['frozen', {}],
  ];
  it.each(modes)(
    '%s, stopped within an epoch and after one, its checkpoint of this version or the first',
    async (mode, settings) => {
      const straight = await run(mode, `${mode} straight`, settings);
      for (const stopAt of [1, 2]) {
        const controller = new AbortController();
        const events = {
          onStep: ({ step }: { step: number }) => step === stopAt && controller.abort(new Error('stopped')),
        };
        await expect(run(mode, `${mode} stopped`, settings, { events, signal: controller.signal })).rejects.toThrow(
          'stopped',
        );
        const checkpoint = join(folder, `${mode} stopped`, 'checkpoint.safetensors');
        expect(existsSync(checkpoint)).toBe(true);
        if (stopAt === 1) rewriteAsFormer(checkpoint);
      }
      const resumed = await run(mode, `${mode} stopped`, { ...settings, images: 'host' });
      expect(numbers(resumed)).toEqual(numbers(straight));
      expect(resumed.wallSeconds).toBeGreaterThan(0);
      expect(different(model(`${mode} straight`), `${mode} stopped`)).toEqual([]);
      expect(lines(`${mode} stopped`).map(({ step, loss }) => [step, loss])).toEqual(
        lines(`${mode} straight`).map(({ step, loss }) => [step, loss]),
      );
    },
  );
});

describe('what is wrong is said in one line', () => {
  const { labels, classNames, ...unlabelled } = train;
  const cases: [string, Parameters<typeof run>[4], RegExp][] = [
    ['no labels to train with', { train: unlabelled, test }, /sample train: has no labels/],
    ['no labels to test with', { train, test: { ...test, labels: undefined } }, /sample test: has no labels/],
    ['one class', { train: subset(train, Uint32Array.of(0, 10, 20)), test }, /images of one class only/],
    [
      'other classes',
      { train, test: { ...test, classNames: test.classNames!.slice(1) } },
      /sample test: has 9 classes \(.*\), but sample train has 10 classes \(.*\); both need the same classes/,
    ],
    [
      'classes by their numbers',
      {
        train: { ...unlabelled, labels },
        test: { ...test, classNames: undefined, labels: test.labels!.map((l) => l % 4) },
      },
      /has 4 classes, but sample train has 10 classes/,
    ],
  ];
  it.each(cases)('%s', async (_name, data, message) => {
    await expect(run('baseline', 'wrong', {}, {}, data)).rejects.toThrow(message);
    expect(existsSync(join(folder, 'wrong'))).toBe(false);
  });

  it('no encoder, or one of another architecture', async () => {
    await expect(run('frozen', 'wrong', {}, { encoder: undefined })).rejects.toThrow(/needs a pre-trained encoder/);
    const deeper = new Map([...encoder, ['layer3.5.conv1.weight', encoder.get('conv1.weight')!] as const]);
    await expect(run('transfer', 'wrong', {}, { encoder: deeper })).rejects.toThrow(
      /has a tensor 'layer3.5.conv1.weight', which a resnet18 does not have/,
    );
    await expect(run('transfer', 'wrong', { stem: 'cifar' })).rejects.toThrow(/'conv1.weight' has shape/);
  });

  it('a folder in which another process trains; one that a killed process left is free', async () => {
    const path = join(folder, 'locked');
    const lock = join(path, 'run.lock');
    mkdirSync(path);
    const unlock = lockFolder(path);
    await expect(run('frozen', 'locked', { epochs: 1 })).rejects.toThrow(
      `${path}: process ${process.pid} is training in this folder; wait for it or stop it`,
    );
    expect(readdirSync(path)).toEqual(['run.lock']);
    unlock();
    writeFileSync(lock, String(process.ppid)); // what a version that looked for the number would have found alive
    const holder: number[] = [];
    const onStep = () => holder.push(JSON.parse(readFileSync(lock, 'utf8')).pid);
    await run('frozen', 'locked', { epochs: 1 }, { events: { onStep } });
    expect(new Set(holder)).toEqual(new Set([process.pid]));
    expect(existsSync(lock)).toBe(false);
  });

  it('settings', () => {
    expect(() => parseSupervisedSettings({ epochs: 0, lr: -1, nonsense: 1 })).toThrow(
      /--epochs must be .*; --lr must be .*nonsense/,
    );
    expect(() => parseSupervisedSettings({ cropMin: 0.9, cropMax: 0.5 })).toThrow(
      /--crop-min \(0.9\) must not be above/,
    );
    expect(parseSupervisedSettings({})).toMatchObject({
      epochs: 100,
      batchSize: 256,
      lr: 1e-3,
      weightDecay: 1e-4,
      optimizer: 'adam',
      schedule: 'constant',
      supervisedAugment: 'none',
      frozenBn: 'eval',
    });
  });

  it('NaN: with the step and the tensor', async () => {
    await expect(run('frozen', 'nan', { lr: 1e38, optimizer: 'sgd' })).rejects.toThrow(
      /^step 2: NaN or infinity appeared, first in \S+.*; training stopped\. Lower the learning rate/,
    );
    expect(lines('nan').map(({ step }) => step)).toEqual([1]);
  });
});

it('no training left anything on the GPU, not even the one with NaN', () => {
  expect(gpu.bytes).toBe(0);
});
