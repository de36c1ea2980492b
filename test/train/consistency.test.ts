/** Training on labels with UDA's consistency loss: its step, where its photos come from, exact resume, and what it refuses. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { subset } from '../../src/data/images.ts';
import { endlessOrder, epochOrder } from '../../src/data/order.ts';
import { hostImages, residentImages } from '../../src/data/source.ts';
import { Gpu } from '../../src/gpu/device.ts';
import { Program } from '../../src/graph/program.ts';
import { State } from '../../src/graph/state.ts';
import { trace } from '../../src/graph/trace.ts';
import { readJsonLines } from '../../src/io/files.ts';
import { classification, supervisedViews, unlabelledViews } from '../../src/methods/supervised.ts';
import { Classifier } from '../../src/nn/classifier.ts';
import { StepFeeds } from '../../src/ssl/feeds.ts';
import { trainingMode } from '../../src/ssl/step.ts';
import { TrainingStep } from '../../src/ssl/training_step.ts';
import { traceViews } from '../../src/ssl/views.ts';
import { classifierFile, parseSupervisedSettings, trainSupervised } from '../../src/train/supervised.ts';
import type { SupervisedData } from '../../src/train/supervised_data.ts';
import { scratchFolder } from '../cli/run.ts';
import { expectStepOfReference } from '../methods/harness.ts';
import { adapters, onEveryAdapter } from '../ops/harness.ts';
import { drawn } from './drawn.ts';

const folder = scratchFolder();
const size = 16;
const few = drawn('train', 17, size);
const photos = drawn('unlabeled', 11, size);
const test = drawn('test', 10, size);
const tiny = { imageSize: size, batchSize: 4, epochs: 2, width: 0.25, seed: 3, consistencyRatio: 2 };
const settingsOf = (more: object) => parseSupervisedSettings({ ...tiny, ...more });
const uda = { consistency: 1, consistencyThreshold: 0.101, signalAnnealing: 'exp', supervisedAugment: 'crop-flip' };

let gpu: Gpu;
beforeAll(async () => {
  gpu = await Gpu.open({ adapter: adapters[0] });
});
afterAll(() => gpu.destroy());

const run = (name: string, more: object, data: Partial<SupervisedData> = {}, options: object = {}) =>
  trainSupervised(gpu, { train: few, test, ...data }, 'baseline', settingsOf(more), {
    folder: join(folder, name),
    ...options,
  });
const model = (name: string) => readFileSync(classifierFile(join(folder, name)));
const records = (name: string) =>
  (readJsonLines(join(folder, name, 'metrics.jsonl')) as Record<string, unknown>[]).map((record): typeof record => ({
    ...record,
    ...{ seconds: 0, imagesPerSecond: 0, time: 0 },
  }));

it('photos come in an order of their own, each once before any comes again', () => {
  const at = endlessOrder(11, 3);
  const all = [0, 8, 16, 24].flatMap((first) => [...at(first, 8)]);
  expect(all.slice(0, 11)).toEqual([...epochOrder(11, 3, 0)]);
  expect(all.slice(11, 22)).toEqual([...epochOrder(11, 3, 1)]);
  expect([...at(8, 8)]).toEqual(all.slice(8, 16));
});

onEveryAdapter((device) => {
  it.each(['crop-flip', 'none'] as const)('a step equals the float64 reference: augmentation %s', async (augment) => {
    const settings = { ...settingsOf({ ...uda, supervisedAugment: augment }), microBatch: 0, steps: 0 };
    const state = new State(device());
    const classifier = new Classifier({
      architecture: 'resnet18',
      stem: 'imagenet',
      width: 0.25,
      seed: 1,
      classes: 10,
    });
    const source = residentImages(state, few);
    const other = { name: 'unlabelled', source: residentImages(state, photos), perStep: 8 };
    const learner = classification(classifier, { training: trainingMode(settings), consistency: settings });
    // Operations on bytes are compared by themselves: where a colour lies between two bytes, f32 and float64 take different ones.
    const smooth = unlabelledViews(settings, other).map(({ augmentation, ...group }) => ({
      ...group,
      augmentation: augmentation && { ...augmentation, operations: undefined },
    }));
    const views = [...supervisedViews(settings), ...smooth];
    const parts = { learner, views, source, settings };
    const step = await TrainingStep.create(state, parts);
    const [phase] = step.traced.phases;
    const values = await expectStepOfReference(state, { ...parts, step });
    const [confident] = values.get(phase.outputs['confident'])!;
    const [consistencyLoss] = values.get(phase.outputs['consistencyLoss'])!;
    expect(confident).toBeGreaterThan(0);
    expect(consistencyLoss).toBeGreaterThan(0);
    step.destroy();
    state.destroy();
    device().trim();
  });
});

it.each(['resident', 'host'] as const)(
  'views of both kinds are of the same photos, other draws in each step: %s',
  async (kind) => {
    const state = new State(gpu);
    const source = kind === 'host' ? hostImages(photos) : residentImages(state, photos);
    const other = { name: 'unlabelled', source, perStep: 3 };
    const feeds = new StepFeeds(4);
    const { graph, result } = trace(() => {
      const groups = unlabelledViews(settingsOf({ ...uda, supervisedAugment: 'none' }), other);
      const [strong, plain] = traceViews(residentImages(state, few), groups, feeds, { normalize: 'none' });
      return { strong, plain };
    });
    const program = await Program.compile(graph, state, result);
    const at = (step: number) => {
      const time = { seed: 3, step, epoch: 0, steps: 9, perEpoch: 9, indices: Uint32Array.of(0, 1, 2, 3), first: 0 };
      return program.run(feeds.values(time)).read() as Promise<Record<'strong' | 'plain', Float32Array>>;
    };
    const { strong, plain } = await at(2);
    const wanted = epochOrder(11, 3, 0).subarray(3, 6);
    const pixels = new Uint8Array(size * size * 3);
    wanted.forEach((image, i) => {
      photos.read(image, pixels, 0);
      const red = plain.subarray(i * size * size * 4, (i + 1) * size * size * 4).filter((_, j) => j % 4 === 0);
      const differences = red.map((value, p) => Math.abs(value * 255 - pixels[3 * p]));
      expect(Math.max(...differences), `photo ${image}`).toBeLessThan(0.01);
    });
    expect(strong).not.toEqual(plain);
    // Behind the last photo the order begins anew; the same photo has other draws there.
    const again = await at(5);
    expect(again.strong).not.toEqual(strong);
    expect((await at(2)).strong).toEqual(strong);
    program.destroy();
    state.destroy();
  },
);

it('weight 0 is bit for bit the training without photos, whatever there is of them', async () => {
  const plain = await run('plain', {});
  expect(await run('with photos', { consistency: 0 }, { unlabelled: photos })).toMatchObject({ epochs: [{}, {}] });
  expect(model('with photos').equals(model('plain'))).toBe(true);
  expect(records('with photos')).toEqual(records('plain'));
  expect(plain.last).not.toHaveProperty('confident');
  expect(JSON.parse(readFileSync(join(folder, 'plain', 'config.json'), 'utf8'))).not.toHaveProperty('unlabelled');
});

it('stopped after every step it is the training that was not, and tells the share of photos that count', async () => {
  const straight = await run('straight', uda, { unlabelled: photos });
  for (let step = 0; step < 8; step++) {
    const stop = new AbortController();
    const events = { onStep: () => stop.abort(new Error('stopped')) };
    await run('stopped', uda, { unlabelled: photos }, { events, signal: stop.signal }).catch((error: Error) =>
      expect(error.message).toBe('stopped'),
    );
  }
  const resumed = await run('stopped', { ...uda, images: 'host' }, { unlabelled: photos });
  expect(model('stopped').equals(model('straight'))).toBe(true);
  expect(records('stopped')).toEqual(records('straight'));
  expect(resumed.last.confident).toBe(straight.last.confident);
  const steps = records('straight').filter(({ type }) => type === 'step') as Record<string, number>[];
  expect(steps).toHaveLength(8);
  for (const record of steps)
    for (const name of ['consistencyLoss', 'confident', 'counted', 'accuracy'])
      expect(record[name]).toBeGreaterThanOrEqual(0);
  expect(straight.last.confident).toBe(steps.slice(4).reduce((sum, { confident }) => sum + confident, 0) / 4);
  await run('plain', {});
  expect(model('straight').equals(model('plain'))).toBe(false);
});

it('in f16 the loss is about that of f32', async ({ skip }) => {
  if (!gpu.traits.features.has('shader-f16')) skip('the adapter has no shader-f16');
  const short = { ...uda, epochs: 1, consistencyThreshold: 0 };
  const [wide, narrow] = [
    await run('f32', short, { unlabelled: photos }),
    await run('f16', { ...short, precision: 'f16' }, { unlabelled: photos }),
  ];
  expect(Math.abs(narrow.last.trainLoss / wide.last.trainLoss - 1)).toBeLessThan(0.05);
});

it('what it lacks is said in one line, before anything is written', async () => {
  await expect(run('none', uda)).rejects.toThrow(
    'sample train: no photos without labels, which consistency needs; give some',
  );
  const encoder = new Map();
  const frozen = trainSupervised(gpu, { train: few, test, unlabelled: photos }, 'frozen', settingsOf(uda), {
    ...{ folder: join(folder, 'frozen'), encoder },
  });
  await expect(frozen).rejects.toThrow('frozen: consistency trains the whole encoder; set it to 0, or use transfer');
  for (const name of ['none', 'frozen']) expect(existsSync(join(folder, name))).toBe(false);
  await run('other', { ...uda, epochs: 1 }, { unlabelled: photos });
  const others = { unlabelled: subset(photos, Uint32Array.of(1, 2, 3)) };
  await expect(run('other', { ...uda, epochs: 1 }, others)).rejects.toThrow(
    'holds a training with other photos without labels',
  );
  expect(() => settingsOf({ consistency: -1, consistencyThreshold: 2, consistencyTemperature: 0 })).toThrow(
    '--consistency must be 0 or more, not -1; --consistency-temperature must be above 0, not 0; --consistency-threshold must be 1 or less, not 2',
  );
  expect(() => settingsOf({ signalAnnealing: 'cosine' })).toThrow(
    "--signal-annealing must be none, linear, log or exp, not 'cosine'",
  );
});
