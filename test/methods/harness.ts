/** What holds for every method: a test of one calls `testMethod`. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import type { Dataset } from '../../src/data/dataset.ts';
import { type ImageSet, isImageSet } from '../../src/data/images.ts';
import { SAMPLE_CLASSES } from '../../src/data/sample/shapes.ts';
import { kindOf, type SampleSet } from '../../src/data/samples.ts';
import { type SequenceSet, wholeSequences } from '../../src/data/sequences.ts';
import { fedSamples, residentImages, type SampleSource } from '../../src/data/source.ts';
import { type TextSet, textSet } from '../../src/data/texts.ts';
import { fromFloat16, toFloat16 } from '../../src/float16.ts';
import { Gpu } from '../../src/gpu/device.ts';
import { State } from '../../src/graph/state.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { methodNamed, registerMethod } from '../../src/methods/index.ts';
import { keptEntries, type Method } from '../../src/ssl/method.ts';
import { epochContext } from '../../src/train/epoch_context.ts';
import type { TrainEvents } from '../../src/train/events.ts';
import { compileTraining, type Training } from '../../src/train/learner.ts';
import { RunFolder } from '../../src/train/run_folder.ts';
import { type GivenSettings, parseSettings, type TrainSettings } from '../../src/train/settings.ts';
import { Trainer } from '../../src/train/trainer.ts';
import { sentences, subjectNames } from '../data/sentences.ts';
import { tones, waves } from '../data/wav_files.ts';
import { countBuffers, type Live } from '../live_buffers.ts';
import { adapters, onEveryAdapter } from '../ops/harness.ts';
import { interpret, type Values } from '../reference/interpreter.ts';
import { drawn } from '../train/drawn.ts';

/** Labelled pictures with captions, some with two, 17 of them to train on; by their files' names they are frames of clips of up to six. */
export const images: ImageSet = {
  ...drawn('train', 17, 16),
  captions: Array.from({ length: 17 }, (_, i) => {
    const what = SAMPLE_CLASSES[i % SAMPLE_CLASSES.length];
    return [`a picture of a ${what}`, `${what} number ${i}`].slice(0, 1 + (i % 3 === 0 ? 1 : 0));
  }),
  files: Array.from({ length: 17 }, (_, i) => `clip ${Math.floor(i / 6)}/frame ${i % 6}.png`),
};
const rest = { description: '', measured: '', files: [], leftOut: [], unusedExcludes: [], close: () => {} };
const dataset: Dataset = {
  ...{ kind: 'stl10', train: images, probe: { train: images, test: drawn('test', 10, 16) } },
  ...rest,
};

/** As many labelled tones of 200 frames. */
const [learnt, heard] = [6, 4].map((count) =>
  wholeSequences({ name: 'tones', classNames: Object.keys(waves), skipped: [] }, tones(count, 200).slice(0, 17)),
);
const sequences: Dataset<SequenceSet> = {
  ...{ kind: 'sequences', train: learnt, probe: { train: learnt, test: heard } },
  ...rest,
};

/** As many sentences, labelled by whom they are of. */
const [read, asked] = [17, 10].map((count): TextSet => {
  const made = sentences(count, count);
  return textSet(
    made.map(({ text }) => [text]),
    {
      ...{ name: 'sentences', columns: 1, classNames: subjectNames, skipped: [] },
      labels: Uint8Array.from(made, ({ meaning: [subject] }) => subject),
    },
  );
});
const texts: Dataset<TextSet> = { ...{ kind: 'texts', train: read, probe: { train: read, test: asked } }, ...rest };

/** What a method is tested with, by what it learns from. */
const datasetFor = (method: Pick<Method, 'data'>): Dataset<SampleSet> =>
  ({ images: dataset, sequences, texts })[kindOf(method)];

/** Samples as a step of the method has them. */
const sourceFor = (state: State, { train }: Dataset<SampleSet>): SampleSource =>
  isImageSet(train) ? residentImages(state, train) : fedSamples(train);

/** Four steps an epoch, a checkpoint after each. */
const tiny = { width: 0.25, imageSize: 16, batchSize: 4, epochs: 2, knnEvery: 1, figureEvery: 1, checkpointSteps: 1 };
export const tinySettings = ({ name }: Method, given: GivenSettings = {}): TrainSettings =>
  parseSettings({ ...tiny, keep: 99, ...given, method: name });

/** Trains in a folder to the end, or until it is stopped; goes on there where it was stopped. */
export async function runIn(
  path: string,
  gpu: Gpu,
  settings: TrainSettings,
  events: TrainEvents = {},
  signal?: AbortSignal,
  data = datasetFor(methodNamed(settings.method)),
) {
  const folder = RunFolder.openOrCreate(path, { data: path, settings, images: data.train.count, adapter: '' });
  const trainer = await Trainer.create(gpu, data, settings, folder, events);
  try {
    return { folder, ...(await trainer.run(signal)) };
  } finally {
    trainer.destroy();
  }
}

const roundedToF16 = (values: ArrayLike<number>): Float32Array => fromFloat16(toFloat16(values as Float32Array));

const timeless = (records: readonly object[]): unknown =>
  records.map((record) => ({ ...record, imagesPerSecond: 0, memory: 0, time: 0 }));

/**
 * Trains straight, and once more stopped after every step: the checkpoints are the same bytes, the records the same numbers. In the second half
 * of the straight training no step, epoch or checkpoint leaves a buffer behind.
 */
export async function expectExactResume(root: string, gpu: Gpu, settings: TrainSettings, data?: Dataset<SampleSet>) {
  const live = countBuffers(gpu);
  const seen: Live[] = [];
  const watch = { onStep: () => void seen.push(live()) };
  const straight = await runIn(join(root, 'straight'), gpu, settings, watch, undefined, data);
  for (const later of seen.slice(seen.length / 2)) expect(later, 'buffers').toEqual(seen[seen.length / 2]);
  for (let step = 0; step <= straight.step; step++) {
    const stop = new AbortController();
    await runIn(join(root, 'stopped'), gpu, settings, { onStep: () => stop.abort() }, stop.signal, data);
  }
  const stopped = new RunFolder(join(root, 'stopped'));
  expect(stopped.checkpointSteps()).toEqual(straight.folder.checkpointSteps());
  for (const step of stopped.checkpointSteps()) {
    const [one, other] = [stopped, straight.folder].map((folder) => readFileSync(folder.checkpointFile(step)));
    expect(one.equals(other), `checkpoint of step ${step}`).toBe(true);
  }
  expect(timeless(stopped.records())).toEqual(timeless(straight.folder.records()));
  return straight;
}

/** What a learner does before its first epoch, on made-up features. */
export async function beginFirstEpoch(state: State, { step, learner }: Training): Promise<void> {
  const { dimensions } = learner.encoder;
  const features = async () => Float32Array.from({ length: images.count * dimensions }, (_, i) => Math.sin(i));
  const clustersOf = () => new Uint32Array(images.count);
  await step.beginEpoch(epochContext(state, { epoch: 0, images, features, clustersOf, before: {}, seed: 1 }));
}

/** Runs one step on a device and by the float64 reference; loss and what is logged are the same. Returns the reference's values. */
export async function expectStepOfReference(
  state: State,
  { step }: Training,
  counters = { step: 2, epoch: 0 },
): Promise<ReadonlyMap<Tensor, Values>> {
  const indices = Uint32Array.of(3, 16, 0, 7);
  const [{ phase, inputs }] = step.runs(indices, counters);
  const kept = new Map<Tensor, Values>();
  for (const tensor of phase.graph.nodes.flatMap((node) => node.inputs)) {
    if (tensor.origin.kind === 'input') kept.set(tensor, Float64Array.from(inputs[tensor.name]));
    // The images, which are uploaded and have no first value of their own.
    else if (tensor.origin.kind === 'variable' && tensor.dtype === 'u32' && tensor.shape.length === 2)
      kept.set(tensor, Float64Array.from(await state.read(tensor)));
  }
  const expected = interpret(phase.graph, kept);
  const { loss, metrics } = await step.step(indices, counters).read();
  for (const [name, value] of Object.entries({ ...metrics, loss })) {
    const tensor = phase.outputs[name];
    const [wanted] = expected.get(tensor) ?? inputs[tensor.name];
    expect(Math.abs(value - wanted), name).toBeLessThan(1e-3 * Math.max(1, Math.abs(wanted)));
  }
  return expected;
}

/**
 * Tests of a method at tiny sizes: its step, its resume.
 * @param given settings in place of `tiny`'s
 * @param data 17 samples to train on, in place of those of `datasetFor`
 */
export function testMethod(method: Method, given: GivenSettings = {}, data = datasetFor(method)): void {
  registerMethod(method);
  const settings = tinySettings(method, given);
  const root = mkdtempSync(join(tmpdir(), `simclr-${method.name}-`));
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  onEveryAdapter((gpu) => {
    it(`a step of ${method.name} equals the float64 reference`, async () => {
      const state = new State(gpu());
      const training = await compileTraining(state, sourceFor(state, data), settings);
      await beginFirstEpoch(state, training);
      await expectStepOfReference(state, training);
      training.step.destroy();
      state.destroy();
      gpu().trim();
    });
  });

  it(`in f16 the first loss of ${method.name} is about that of f32, and copies of weights are as new as the weights`, async ({
    skip,
  }) => {
    const gpu = await Gpu.open({ adapter: adapters[0] });
    if (!gpu.traits.features.has('shader-f16')) skip('the adapter has no shader-f16');
    const losses: number[] = [];
    for (const precision of ['f32', 'f16'] as const) {
      const state = new State(gpu);
      const own = tinySettings(method, { ...given, precision });
      const training = await compileTraining(state, sourceFor(state, data), own);
      await beginFirstEpoch(state, training);
      const { step, learner } = training;
      const run = (number: number) => step.step(Uint32Array.of(3, 16, 0, 7), { step: number, epoch: 0 }).read();
      const first = await run(1);
      losses.push(first.loss);
      const second = await run(2);
      expect([second.firstNonFinite, Number.isFinite(second.loss)]).toEqual([0, true]);
      const followers = Object.values(learner.kept ?? {}).flatMap(keptEntries);
      const flats = [...learner.groups.flatMap(({ modules }) => modules.flatMap((m) => m.parameters)), ...followers];
      for (const weights of new Set(flats.flatMap(({ tensor }) => tensor.flat?.parent ?? [])))
        for (const copy of weights.copies)
          expect(await state.read(copy), copy.name).toEqual(roundedToF16(await state.read(weights)));
      step.destroy();
      state.destroy();
    }
    expect(Math.abs(losses[1] - losses[0])).toBeLessThan(0.03 * Math.max(1, Math.abs(losses[0])));
    gpu.destroy();
  });

  it(`a run of ${method.name} that is stopped after every step is bit for bit the run that is not`, async () => {
    const gpu = await Gpu.open({ adapter: adapters[0] });
    const { step } = await expectExactResume(root, gpu, settings, data);
    expect(step).toBe(settings.epochs * 4);
    gpu.destroy();
  });
}
