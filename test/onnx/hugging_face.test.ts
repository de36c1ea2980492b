/** Folders for Hugging Face's libraries are read back: the encoder of each is the one that was exported, to the last bit. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { Embedder } from '../../src/analysis/embed.ts';
import { normalization } from '../../src/data/preparation.ts';
import { UserError } from '../../src/errors.ts';
import { Gpu } from '../../src/gpu/device.ts';
import { State } from '../../src/graph/state.ts';
import { readSafetensors, type StoredTensor, writeSafetensors } from '../../src/io/safetensors.ts';
import { shapeOf } from '../../src/nn/encoder_shape.ts';
import { type EncoderOptions, makeEncoder } from '../../src/nn/encoders.ts';
import { type GivenEncoder, readEncoder, readEncoderFile, readEncoderTensors } from '../../src/train/encoder_file.ts';
import { saveEncoder } from '../../src/train/export.ts';
import { exportHuggingFace } from '../../src/train/export_onnx.ts';
import { findCheckpoint } from '../../src/train/find_checkpoint.ts';
import { run, scratchFolder } from '../cli/run.ts';
import { adapters, noise } from '../ops/harness.ts';
import { drawn } from '../train/drawn.ts';
import { madeSettings, writeCheckpoint, zeroTensors } from '../train/made.ts';
import { drawValues } from './harness.ts';

const folder = scratchFolder();
const imageSize = 32;
const prepared = { imageSize, ...normalization({ normalize: 'half' }) };
const vit = { architecture: 'vit_tiny', stem: 'imagenet', imageSize } as const;
const resnet = { architecture: 'resnet18', stem: 'imagenet' } as const;
const encoders = {
  resnet18: resnet,
  resnet50: { ...resnet, architecture: 'resnet50' },
  vit: { ...vit, positions: 'learned' },
  'vit of fixed positions': { ...vit, positions: 'sincos', patch: 8 },
  'cifar stem, layer norm': { ...resnet, stem: 'cifar', norm: 'layer' },
  dcgan: { ...resnet, architecture: 'dcgan' },
  'standardized vit': { ...vit, input: 'standardized' },
  patches: { ...resnet, input: 'patches' },
  'halves of Lab': { ...resnet, input: 'lab-halves' },
} as const satisfies Record<string, Partial<EncoderOptions>>;
const names = Object.keys(encoders) as (keyof typeof encoders)[];
const exported = (name: string) => join(folder, `hf ${name}`);
const weightsOf = (name: string) => join(exported(name), 'model.safetensors');
const headed = join(folder, 'headed.safetensors');

let gpu: Gpu;
beforeAll(async () => {
  gpu = await Gpu.open({ adapter: adapters[0] });
  return () => gpu.destroy();
});

async function written(name: keyof typeof encoders): Promise<string> {
  const file = join(folder, `${name}.safetensors`);
  const state = new State(gpu);
  const encoder = makeEncoder({ width: 0.25, seed: 3, ...prepared, ...encoders[name] });
  await drawValues(state, encoder);
  await saveEncoder(state, encoder, file, prepared);
  state.destroy();
  return file;
}

async function featuresOf(file: string, given = {}): Promise<Float32Array> {
  const state = new State(gpu);
  const { encoder, preparation } = readEncoder(state, file, given);
  const images = drawn('test', 3, preparation.imageSize);
  const embedder = await Embedder.create(state, encoder, images, { ...preparation, batchSize: 3 });
  const features = await embedder.embed(images);
  embedder.destroy();
  state.destroy();
  return features;
}

/** All that is read but the values, which its digest is of. */
function read(file: string, how: GivenEncoder = {}) {
  const { path: _, given: _given, tensors: _tensors, ...content } = readEncoderFile(file, how);
  return content;
}

describe('what was exported is read', () => {
  it.each(names)('%s', async (name) => {
    const file = await written(name);
    exportHuggingFace(file, exported(name));
    expect(findCheckpoint(exported(name))).toBe(weightsOf(name));
    expect(read(weightsOf(name))).toEqual(read(file));
    expect(shapeOf(readEncoderTensors(weightsOf(name)))).toEqual(shapeOf(readEncoderTensors(file)));
  });

  it.each(['resnet18', 'vit'] as const)('%s: its features are the same numbers', async (name) => {
    const features = await featuresOf(join(folder, `${name}.safetensors`));
    expect(new Set(features).size).toBeGreaterThan(50);
    expect(await featuresOf(findCheckpoint(exported(name)))).toEqual(features);
  });

  it('behind layers of a head, which it ends with unless the encoder’s own features are asked for', async () => {
    const settings = madeSettings({ width: 0.25, headDepth: 3, headWidth: 24, headBatchNorm: true });
    const tensors = zeroTensors(settings);
    for (const [name, tensor] of tensors) {
      const { length } = tensor.data;
      if (name.startsWith('module.') && tensor.dtype === 'F32')
        tensors.set(name, { ...tensor, data: noise(length, length, 0.3, name.endsWith('running_var') ? 1 : 0.02) });
    }
    writeCheckpoint(headed, settings, 2, tensors);
    const fromHeadLayer = 2;
    exportHuggingFace(headed, exported('headed'), { fromHeadLayer });
    const content = read(weightsOf('headed'));
    expect(content).toEqual(read(headed, { fromHeadLayer }));
    expect(content).toMatchObject({ method: 'simclr', head: { widths: [24, 24] } });
    const features = await featuresOf(headed, { fromHeadLayer });
    expect(new Set(features).size).toBeGreaterThan(10);
    expect(await featuresOf(weightsOf('headed'))).toEqual(features);
    expect(readEncoderFile(weightsOf('headed'), { fromHeadLayer: 0 }).digest).toBe(readEncoderFile(headed).digest);
    expect(readEncoderFile(weightsOf('headed'), { fromHeadLayer: 1 }).head?.widths).toEqual([24]);
    exportHuggingFace(weightsOf('headed'), exported('again'));
    expect(read(weightsOf('again'))).toEqual(content);
  });
});

describe('files of transformers itself, which say nothing of themselves', () => {
  const given = { imageSize, normalize: 'half' } as const;
  it.each([
    ['vit', 'vit', 'pooler.dense.weight'],
    ['resnet50', 'resnet', ''],
  ] as const)('%s with a classifier', (name, model, more) => {
    const file = join(folder, 'theirs.safetensors');
    const inside = [...readSafetensors(weightsOf(name)).tensors].map(([own, tensor]) => [`${model}.${own}`, tensor]);
    const other: StoredTensor = { dtype: 'F32', shape: [2, 2], data: new Float32Array(4) };
    const others = ['classifier.weight', ...(more ? [`${model}.${more}`] : [])].map((own) => [own, other]);
    writeSafetensors(file, [...inside, ...others] as [string, StoredTensor][], { format: 'pt' });
    expect(read(file, given)).toEqual(read(join(folder, `${name}.safetensors`)));
    const asked = name === 'vit' ? '--normalize (' : '--image-size and --normalize (';
    expect(() => readEncoderFile(file)).toThrow(`does not record how images are prepared for it; give ${asked}`);
  });
});

describe('what cannot be read is told in a line', () => {
  const other = join(folder, 'other');
  const weights = join(other, 'model.safetensors');
  mkdirSync(other, { recursive: true });
  it('a folder without weights', async () => {
    writeFileSync(join(other, 'config.json'), '{}');
    const result = await run('embed', '--checkpoint', other, '--data', folder, '--out', join(folder, 'x.npy'));
    expect(result.err).toMatch(
      /^simclr: .*other: no checkpoint in this folder; give the folder of a run .*model\.safetensors[^\n]*\n$/,
    );
    expect(result.code).toBe(1);
  });

  it.each<[string, (tensors: Map<string, StoredTensor>) => void, RegExp]>([
    [
      'a part that is missing',
      (tensors) => tensors.delete('encoder.layer.3.attention.attention.key.weight'),
      /: tensor 'blocks\.3\.attn\.qkv\.weight' is missing, expected \[144, 48\];/,
    ],
    [
      'parts of several kinds',
      (tensors) => {
        const name = 'encoder.layer.0.attention.attention.value.bias';
        tensors.set(name, { ...tensors.get(name)!, shape: [24], data: new Float32Array(24) });
      },
      /: tensor 'blocks\.0\.attn\.qkv\.bias' is missing, expected \[144\];/,
    ],
    [
      'a network without patches',
      (tensors) => tensors.delete('embeddings.patch_embeddings.projection.weight'),
      /not an encoder that this program knows/,
    ],
    [
      'more layers than there are',
      (tensors) => tensors.set('encoder.layer.12.layernorm_before.weight', tensors.get('layernorm.weight')!),
      /has a tensor 'blocks\.12\.norm1\.weight'/,
    ],
  ])('%s', (_, change, message) => {
    const { tensors, metadata } = readSafetensors(weightsOf('vit'));
    change(tensors);
    writeSafetensors(weights, tensors, metadata);
    expect(() => readEncoderFile(weights)).toThrow(UserError);
    expect(() => readEncoderFile(weights)).toThrow(message);
  });

  it.each(['{', '{"widths":[]}', '"2"'])('a head that is none: %s', (head) => {
    const { tensors, metadata } = readSafetensors(weightsOf('headed'));
    writeSafetensors(weights, tensors, { ...metadata, head });
    expect(() => readEncoderFile(weights)).toThrow(UserError);
    expect(() => readEncoderFile(weights)).toThrow(`${weights}: its metadata are damaged; use another copy`);
  });
});
