/** Features behind layers of a projection head: read from every method's checkpoint, fine-tuned, frozen, saved and read again. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { evaluateClassifier } from '../../src/analysis/classifier.ts';
import { kindOf } from '../../src/data/samples.ts';
import { hostImages } from '../../src/data/source.ts';
import { UserError } from '../../src/errors.ts';
import { Gpu } from '../../src/gpu/device.ts';
import { Program } from '../../src/graph/program.ts';
import { State } from '../../src/graph/state.ts';
import { constant, trace } from '../../src/graph/trace.ts';
import { readSafetensors, type StoredTensor, writeSafetensors } from '../../src/io/safetensors.ts';
import { allMethods } from '../../src/methods/index.ts';
import { classification, supervisedViews } from '../../src/methods/supervised.ts';
import { Classifier } from '../../src/nn/classifier.ts';
import { makeEncoder } from '../../src/nn/encoders.ts';
import type { HeadShape } from '../../src/nn/headed_encoder.ts';
import { entriesOf, readEntries } from '../../src/nn/state_dict.ts';
import { batchNormInference } from '../../src/ops/batch_norm.ts';
import { linear } from '../../src/ops/linear.ts';
import { relu } from '../../src/ops/relu.ts';
import { trainingMode } from '../../src/ssl/step.ts';
import { TrainingStep } from '../../src/ssl/training_step.ts';
import { loadClassifier } from '../../src/train/classifier_file.ts';
import { loadEncoderFile, readEncoderFile, readEncoderTensors } from '../../src/train/encoder_file.ts';
import { learnerOf } from '../../src/train/learner.ts';
import { parseSettings } from '../../src/train/settings.ts';
import { classifierFile, parseSupervisedSettings, trainSupervised } from '../../src/train/supervised.ts';
import { scratchFolder } from '../cli/run.ts';
import { expectStepOfReference } from '../methods/harness.ts';
import { adapters, noise, onEveryAdapter } from '../ops/harness.ts';
import { drawn } from './drawn.ts';
import { madeSettings, writeCheckpoint, zeroTensors } from './made.ts';

const folder = scratchFolder();
const file = join(folder, 'checkpoint.safetensors');
const [train, test] = [drawn('train', 17, 16), drawn('test', 10, 16)];

/** SimCLR v2's head, small. */
const v2 = { width: 0.25, headDepth: 3, headWidth: 24, headBatchNorm: true, headOutputBatchNorm: true } as const;
const head: HeadShape = { widths: [24], batchNorm: true, bias: true, activation: 'relu' };

/** A checkpoint of SimCLR with a small network, all zero. */
function written(given: object, change: (tensors: Map<string, StoredTensor>) => void = () => {}): string {
  const settings = madeSettings({ width: 0.25, ...given });
  const tensors = zeroTensors(settings);
  change(tensors);
  writeCheckpoint(file, settings, 2, tensors);
  return file;
}

describe('the head in a file', () => {
  const none = [
    ...['moco-v1', 'inst-disc', 'exemplar-cnn', 'supervised', 'rotation', 'relative-patch', 'jigsaw', 'autoencoder'],
    ...['context-encoder', 'gan', 'colorization', 'split-brain', 'video-color', 'mae', 'data2vec'],
    ...['cpc', 'clip'],
  ];
  const activations: Readonly<Record<string, string>> = { dino: 'gelu' };
  const hidden: Readonly<Record<string, number>> = { dino: 2, wcl: 2, 'barlow-twins': 2, vicreg: 2 };

  const ofImages = allMethods().filter((method) => kindOf(method) === 'images');
  it.each(ofImages.map(({ name, options }) => [name, options] as const))('of %s', (method, options) => {
    const narrow = Object.keys(options).filter((key) => /width$|^embeddingDim$/i.test(key));
    const sizes = Object.fromEntries(narrow.map((key) => [key, 8]));
    const settings = parseSettings({ imageSize: 16, batchSize: 16, width: 0.25, ...sizes, method });
    writeCheckpoint(file, settings, 2, zeroTensors(settings));
    const read = (fromHeadLayer: number) => readEncoderTensors(file, { fromHeadLayer });
    if (none.includes(method)) return expect(() => read(1)).toThrow('has no projection head with a hidden layer');
    const layers = hidden[method] ?? 1;
    for (let i = 1; i <= layers; i++) expect(read(i).head!.widths).toEqual(new Array(i).fill(8));
    expect(() => read(layers + 1)).toThrow('its projection head has');
    expect(read(1).head!.activation).toBe(activations[method] ?? 'relu');
  });

  it('layers have their tensors under one name; without them all is as it was', () => {
    const values = (name: string) => (tensors: Map<string, StoredTensor>) =>
      void tensors.set(name, { ...tensors.get(name)!, data: noise(tensors.get(name)!.shape[0], 1) });
    const {
      head: read,
      tensors,
      digest,
    } = readEncoderFile(written(v2, values('module.fc.1.bias')), { fromHeadLayer: 2 });
    expect(read).toEqual({ ...head, widths: [24, 24] });
    const names = [...tensors.keys()].filter((name) => name.startsWith('head.'));
    const norm = (at: number) => ['weight', 'bias', 'running_mean', 'running_var'].map((part) => `head.${at}.${part}`);
    const layers = [0, 3].flatMap((at) => [`head.${at}.weight`, `head.${at}.bias`, ...norm(at + 1)]);
    expect(names.sort()).toEqual(layers.sort());
    expect(tensors.get('head.1.bias')!.data).toEqual(noise(24, 1));
    const plain = readEncoderFile(file);
    expect(plain.head).toBeUndefined();
    expect([...plain.tensors.keys()]).toEqual(
      entriesOf(makeEncoder({ ...plain, seed: 1 })).map(({ tensor }) => tensor.name),
    );
    expect(new Set([digest, plain.digest, readEncoderFile(file, { fromHeadLayer: 1 }).digest]).size).toBe(3);
    expect(readEncoderFile(written({})).digest).toBe(plain.digest);
  });

  it.each<[string, object, number, string]>([
    ['fewer layers', v2, 3, 'its projection head has 2 hidden layers; give --from-head-layer 2 or less'],
    ['one layer', {}, 2, 'its projection head has 1 hidden layer; give --from-head-layer 1 or less'],
    ['a linear head', { headDepth: 1 }, 1, 'has no projection head with a hidden layer (exported encoders have none);'],
  ])('%s than asked for: one line', (_, given, fromHeadLayer, message) => {
    const read = () => readEncoderFile(written(given), { fromHeadLayer });
    expect(read).toThrow(UserError);
    expect(read).toThrow(`${file}: ${message}`);
  });

  it('of a method that only another program knows: its activation is not known', () => {
    writeCheckpoint(
      file,
      { ...madeSettings({ width: 0.25 }), method: 'mine' },
      2,
      zeroTensors(madeSettings({ width: 0.25 })),
    );
    expect(() => readEncoderFile(file)).not.toThrow();
    expect(() => readEncoderFile(file, { fromHeadLayer: 1 })).toThrow(
      "is of a method 'mine' that this program does not know, nor what its projection head computes; omit --from-head-layer",
    );
  });

  it('a layer that is damaged is named, and so are damaged settings', () => {
    const damaged = written(v2, (tensors) => tensors.delete('module.fc.4.running_var'));
    expect(() => readEncoderFile(damaged, { fromHeadLayer: 1 })).not.toThrow();
    expect(() => readEncoderFile(damaged, { fromHeadLayer: 2 })).toThrow("tensor 'head.4.running_var' is missing");
    const { tensors, metadata } = readSafetensors(file);
    writeSafetensors(file, tensors, { ...metadata, settings: '{' });
    expect(() => readEncoderFile(file, { fromHeadLayer: 1 })).toThrow(`${file}: its metadata are damaged;`);
  });
});

/** A checkpoint of SimCLR with first values, and running statistics of the head that are not 0 and 1. */
async function pretrained(state: State) {
  const settings = madeSettings({ ...v2, stem: 'cifar' });
  const learner = learnerOf(settings, { count: 1, classes: 0 });
  const entries = learner.groups[0].modules.flatMap(({ parameters, buffers }) => [...parameters, ...buffers]);
  for (const [i, { tensor }] of entries.entries()) {
    const part = tensor.name.match(/^fc.*\.(running_\w+)$/)?.[1];
    if (part) state.write(tensor, noise(tensor.size, i, 0.1, part === 'running_var' ? 0.5 : 0));
  }
  const values = await readEntries(state, entries);
  const tensors = [...values].map(
    ([name, { shape, data }]) => [`module.${name}`, { dtype: 'F32', shape, data }] as const,
  );
  writeCheckpoint(file, settings, 2, new Map(tensors));
  return { learner, settings, tensor: (name: string) => entries.find(({ tensor }) => tensor.name === name)!.tensor };
}

onEveryAdapter((gpu) => {
  it('features are those of the composed layers, bit for bit', async () => {
    const state = new State(gpu());
    const { learner, tensor } = await pretrained(state);
    const read = readEncoderFile(file, { fromHeadLayer: 1 });
    const encoder = loadEncoderFile(state, read);
    expect(encoder.dimensions).toBe(24);
    const { graph, result } = trace(() => {
      const x = constant('images', noise(3 * 16 * 16 * 4, 7), [3, 16, 16, 4]);
      const still = { training: false };
      const norm = { weight: tensor('fc.1.weight'), bias: tensor('fc.1.bias') };
      const statistics = { runningMean: tensor('fc.1.running_mean'), runningVar: tensor('fc.1.running_var') };
      const first = linear(learner.encoder.forward(x, still), tensor('fc.0.weight'), tensor('fc.0.bias'));
      const composed = relu(batchNormInference(first, { ...norm, ...statistics }));
      return { features: encoder.forward(x, still), composed };
    });
    const program = await Program.compile(graph, state, result);
    const { features, composed } = await program.run({}).read();
    expect(features).toEqual(composed);
    expect(features.filter((value) => value > 0).length).toBeGreaterThan(10);
    program.destroy();
    state.destroy();
  });

  it('a step of fine-tuning equals the float64 reference, and moves head and encoder', async () => {
    const state = new State(gpu());
    const settings = parseSupervisedSettings({ imageSize: 16, width: 0.25, stem: 'cifar', optimizer: 'sgd', lr: 0.1 });
    const classifier = new Classifier({ ...settings, architecture: 'resnet18', head, classes: 10 });
    const learner = classification(classifier, { training: trainingMode(settings) });
    const parts = {
      ...{ learner, views: supervisedViews(settings), source: hostImages(train) },
      settings: { ...settings, batchSize: 4, microBatch: 0, steps: 0 },
    };
    const before = await readEntries(state, classifier.parameters);
    const step = await TrainingStep.create(state, parts);
    await expectStepOfReference(state, { ...parts, step });
    const after = await readEntries(state, classifier.parameters);
    for (const name of [
      'conv1.weight',
      'layer4.1.bn2.bias',
      'head.0.weight',
      'head.1.weight',
      'head.1.bias',
      'fc.weight',
    ])
      expect(after.get(name)!.data, name).not.toEqual(before.get(name)!.data);
    step.destroy();
    state.destroy();
  });
});

describe('a training from the first layer', () => {
  const settings = parseSupervisedSettings({ imageSize: 16, width: 0.25, stem: 'cifar', batchSize: 8, epochs: 1 });

  it('frozen leaves it, transfer trains it, and the model that is saved is read whole', async () => {
    const gpu = await Gpu.open({ adapter: adapters[0] });
    const state = new State(gpu);
    await pretrained(state);
    const { tensors: encoder, head: own } = readEncoderFile(file, { fromHeadLayer: 1 });
    const tuned = (mode: 'frozen' | 'transfer', from: object = { encoder, head: own }) =>
      trainSupervised(gpu, { train, test }, mode, settings, { folder: join(folder, mode), ...from });
    const saved = (mode: string) => readSafetensors(classifierFile(join(folder, mode))).tensors;

    const frozen = await tuned('frozen');
    expect(frozen).toMatchObject({ trained: 24 * 10 + 10, encoder: { after: frozen.encoder.before } });
    expect(saved('frozen').get('head.0.weight')!.data).toEqual(encoder.get('head.0.weight')!.data);
    const { last } = await tuned('transfer');
    const model = saved('transfer');
    for (const name of ['head.0.weight', 'head.1.running_mean', 'conv1.weight'])
      expect(model.get(name)!.data, name).not.toEqual(encoder.get(name)!.data);

    const loaded = loadClassifier(state, classifierFile(join(folder, 'transfer')));
    expect(loaded.options.head).toEqual(head);
    const { accuracy, loss } = await evaluateClassifier(state, loaded.classifier, test, loaded.preparation);
    expect({ accuracy, loss }).toEqual({ accuracy: last.testAccuracy, loss: last.testLoss });

    const [plain, headed] = [0, 1].map((fromHeadLayer) =>
      readEncoderFile(classifierFile(join(folder, 'transfer')), { fromHeadLayer }),
    );
    expect([plain.head, headed.head]).toEqual([undefined, head]);
    expect(headed.tensors.get('head.0.weight')!.data).toEqual(model.get('head.0.weight')!.data);
    expect(() => readEncoderFile(headed.path, { fromHeadLayer: 2 })).toThrow('its projection head has 1 hidden layer;');

    expect(JSON.parse(readFileSync(join(folder, 'transfer', 'config.json'), 'utf8'))).toMatchObject({ headLayers: 1 });
    await expect(tuned('transfer', { encoder })).rejects.toThrow(
      'holds a training with another number of layers of the projection head; choose another folder',
    );
    state.destroy();
    gpu.destroy();
  });
});
