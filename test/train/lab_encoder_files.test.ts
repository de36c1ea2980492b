/** Encoders of parts of Lab in files: trained, saved, exported, classified with, fine-tuned and gone on with, they see what they saw. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { Embedder } from '../../src/analysis/embed.ts';
import { settingsOf } from '../../src/cli/init.ts';
import { normalization } from '../../src/data/preparation.ts';
import { Gpu } from '../../src/gpu/device.ts';
import { State } from '../../src/graph/state.ts';
import { readSafetensors, writeSafetensors } from '../../src/io/safetensors.ts';
import { colorization } from '../../src/methods/colorization.ts';
import { simclr } from '../../src/methods/simclr.ts';
import { splitBrain } from '../../src/methods/split_brain.ts';
import { Classifier } from '../../src/nn/classifier.ts';
import { shapeSettings } from '../../src/nn/encoder_shape.ts';
import { makeEncoder } from '../../src/nn/encoders.ts';
import { ResNet } from '../../src/nn/resnet.ts';
import { entriesOf } from '../../src/nn/state_dict.ts';
import { readCheckpoint } from '../../src/train/checkpoint.ts';
import { loadClassifier, saveClassifier } from '../../src/train/classifier_file.ts';
import { readEncoder, readEncoderFile, readEncoderTensors } from '../../src/train/encoder_file.ts';
import { exportEncoder, saveEncoder } from '../../src/train/export.ts';
import { parseSettings } from '../../src/train/settings.ts';
import { classifierFile, parseSupervisedSettings, trainSupervised } from '../../src/train/supervised.ts';
import { scratchFolder } from '../cli/run.ts';
import { runIn, tinySettings } from '../methods/harness.ts';
import { adapters } from '../ops/harness.ts';
import { drawn } from './drawn.ts';

const folder = scratchFolder();
const [train, test] = [drawn('train', 17, 16), drawn('test', 10, 16)];
const prepared = { imageSize: 16, ...normalization({ normalize: 'half' }) };
const inputs = ['lightness', 'lab-halves'] as const;
const shape = { architecture: 'resnet18', stem: 'cifar', width: 0.25 } as const;

let gpu: Gpu;
beforeAll(async () => {
  gpu = await Gpu.open({ adapter: adapters[0] });
  return () => gpu.destroy();
});

/** Features of the test images by the encoder in a file. */
async function featuresOf(file: string): Promise<Float32Array> {
  const state = new State(gpu);
  const { encoder, preparation } = readEncoder(state, file);
  const features = await embed(state, encoder, preparation);
  state.destroy();
  return features;
}

async function embed(state: State, encoder: Parameters<typeof Embedder.create>[1], how: typeof prepared) {
  const embedder = await Embedder.create(state, encoder, test, { ...how, batchSize: 5 });
  const features = await embedder.embed(test);
  embedder.destroy();
  return features;
}

describe.each(inputs)('%s', (input) => {
  const file = join(folder, `${input}.safetensors`);

  it('what is saved is read again, under names that say what it is', async () => {
    const state = new State(gpu);
    const encoder = makeEncoder({ ...shape, input, normalize: 'half', seed: 3 });
    const before = await embed(state, encoder, prepared);
    await saveEncoder(state, encoder, file, prepared);
    state.destroy();
    expect(Math.max(...before)).toBeGreaterThan(0.01);
    expect(await featuresOf(file)).toEqual(before);
    expect(readSafetensors(file).metadata['input']).toBe(input);
    const { mean, std } = prepared;
    expect(readEncoderFile(file)).toMatchObject({ ...shape, input, colours: { mean, std } });
    const own = entriesOf(encoder).map(({ tensor }) => tensor.name);
    const plain = entriesOf(new ResNet({ ...shape, seed: 1 })).map(({ tensor }) => tensor.name);
    const halves = ['lightness', 'color'].flatMap((half) => plain.map((name) => `${half}/${name}`));
    expect(own.toSorted()).toEqual((input === 'lightness' ? plain : halves).toSorted());
  });

  it('other colours of the images mean the same Lab', async () => {
    const state = new State(gpu);
    const [half, none] = (['half', 'none'] as const).map((normalize) => ({
      encoder: makeEncoder({ ...shape, input, normalize, seed: 3 }),
      how: { imageSize: 16, ...normalization({ normalize }) },
    }));
    const one = await embed(state, half.encoder, half.how);
    const second = new State(gpu);
    const other = await embed(second, none.encoder, none.how);
    state.destroy();
    second.destroy();
    const largest = Math.max(...one);
    one.forEach((value, i) => expect(Math.abs(value - other[i])).toBeLessThan(1e-3 * largest));
  });

  it('a run starts from it with its input, and settings of the encoder alone', () => {
    const given = settingsOf(readEncoderTensors(file));
    expect(given).toEqual({ ...shape, input, normalize: 'half' });
    expect(parseSettings({ ...given, method: 'simclr' })).toMatchObject({ input, width: 0.25 });
  });

  it('a classifier in a file sees what it saw', async () => {
    const state = new State(gpu);
    const classifier = new Classifier({ ...shape, input, normalize: 'half', classes: 3, seed: 2 });
    const path = join(folder, `${input}-classifier.safetensors`);
    const before = await embed(state, classifier.encoder, prepared);
    const options = readEncoderFile(file);
    const same = new Classifier({ ...shape, input, colours: options.colours, classes: 3, seed: 2 });
    await saveClassifier(path, state, same, { preparation: prepared, classNames: undefined }, 0);
    const other = new State(gpu);
    const loaded = loadClassifier(other, path);
    expect(loaded.options).toMatchObject({ input, colours: options.colours });
    expect(await embed(other, loaded.classifier.encoder, prepared)).toEqual(before);
    expect(await featuresOf(path)).toEqual(before);
    state.destroy();
    other.destroy();
  });

  it('a checkpoint, its export and what is fine-tuned from it agree', async () => {
    const method = input === 'lightness' ? colorization : splitBrain;
    const sizes = { decoderWidth: 8, stem: 'cifar', epochs: 1, knnEvery: 0, checkpointSteps: 0 } as const;
    const run = await runIn(join(folder, `${input}-run`), gpu, tinySettings(method, sizes));
    const checkpoint = run.folder.checkpointFile(run.folder.checkpointSteps().at(-1)!);
    const exported = join(folder, `${input}-exported.safetensors`);
    expect(exportEncoder(checkpoint, exported).shape.input).toBe(input);
    expect(await featuresOf(exported)).toEqual(await featuresOf(checkpoint));
    const { imageSize, normalize } = readEncoderFile(checkpoint);
    const given = { ...shapeSettings(readEncoderFile(checkpoint)), imageSize, normalize, epochs: 1, batchSize: 8 };
    for (const mode of ['frozen', 'transfer'] as const) {
      const path = join(folder, `${input}-${mode}`);
      const data = { train, test };
      const encoder = readCheckpoint(checkpoint);
      await trainSupervised(gpu, data, mode, parseSupervisedSettings(given), { folder: path, encoder });
      expect(existsSync(classifierFile(path))).toBe(true);
      const [tuned, first] = [await featuresOf(classifierFile(path)), await featuresOf(checkpoint)];
      const isSame = tuned.every((value, i) => Math.abs(value - first[i]) < 1e-6);
      expect(isSame, mode).toBe(mode === 'frozen');
    }
  });

  it('any method trains with it', async () => {
    const sizes = { input, headWidth: 8, embeddingDim: 8, epochs: 1, checkpointSteps: 0 };
    const run = await runIn(join(folder, `${input}-simclr`), gpu, tinySettings(simclr, sizes));
    expect(run.step).toBe(4);
    const checkpoint = run.folder.checkpointFile(4);
    expect(readEncoderFile(checkpoint).input).toBe(input);
  });
});

it('halves are known by their names where no metadata say them', () => {
  const file = join(folder, 'lab-halves.safetensors');
  const bare = join(folder, 'bare.safetensors');
  writeSafetensors(bare, readSafetensors(file).tensors);
  expect(readEncoderFile(bare, { imageSize: 16, normalize: 'half' })).toMatchObject({ ...shape, input: 'lab-halves' });
});
