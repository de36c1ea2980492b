/** Encoders that the command line exports, read by those whose formats they are: onnxruntime, and transformers.js's pipeline. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { Embedder } from '../../src/analysis/embed.ts';
import { loadPhotos } from '../../src/data/folder.ts';
import type { ImageSet } from '../../src/data/images.ts';
import { normalization } from '../../src/data/preparation.ts';
import { Gpu } from '../../src/gpu/device.ts';
import { State } from '../../src/graph/state.ts';
import { readSafetensors, writeSafetensors } from '../../src/io/safetensors.ts';
import { type EncoderOptions, makeEncoder } from '../../src/nn/encoders.ts';
import { decodeModel } from '../../src/onnx/schema.ts';
import { readEncoder } from '../../src/train/encoder_file.ts';
import { saveEncoder } from '../../src/train/export.ts';
import { run, scratchFolder } from '../cli/run.ts';
import { adapters, relativeError } from '../ops/harness.ts';
import { onnxruntime, transformers } from '../packages.ts';
import { drawn } from '../train/drawn.ts';
import { madeSettings, writeCheckpoint, zeroTensors } from '../train/made.ts';
import { drawValues, floatsOf, planesOf, runModel } from './harness.ts';

if (transformers) transformers.env.allowRemoteModels = false;

const folder = scratchFolder();
const size = 32;
const colours = normalization({ normalize: 'imagenet' });
const prepared = { imageSize: size, ...colours };
const encoders = {
  resnet: { architecture: 'resnet18', stem: 'imagenet' },
  bottleneck: { architecture: 'resnet50', stem: 'imagenet' },
  vit: { architecture: 'vit_tiny', stem: 'imagenet', positions: 'learned', imageSize: size },
  other: { architecture: 'resnet18', stem: 'cifar', norm: 'layer' },
} as const satisfies Record<string, Partial<EncoderOptions>>;
const names = Object.keys(encoders) as (keyof typeof encoders)[];
const fileOf = (name: string) => join(folder, `${name}.safetensors`);
const photos = join(folder, 'photos');

let gpu: Gpu;
let images: ImageSet;
const features = new Map<string, Float32Array>();

beforeAll(async () => {
  gpu = await Gpu.open({ adapter: adapters[0] });
  mkdirSync(photos);
  const set = drawn('test', 3, 64);
  // Of the size of training, and larger ones, of which the middle is cut.
  for (const [i, [width, height]] of [
    [32, 32],
    [64, 48],
    [50, 64],
  ].entries()) {
    const pixels = new Uint8Array(64 * 64 * 3);
    set.read(i, pixels, 0);
    const whole = sharp(pixels, { raw: { width: 64, height: 64, channels: 3 } });
    await whole
      .extract({ left: 0, top: 0, width, height })
      .png()
      .toFile(join(photos, `${i}.png`));
  }
  images = await loadPhotos(photos, { size });
  for (const name of names) {
    const state = new State(gpu);
    const encoder = makeEncoder({ width: 0.25, seed: 3, ...encoders[name] });
    await drawValues(state, encoder);
    await saveEncoder(state, encoder, fileOf(name), prepared);
    features.set(name, await embed(fileOf(name)));
    state.destroy();
  }
  return () => gpu.destroy();
});

/** Features of the photos, by the encoder in a file. */
async function embed(file: string): Promise<Float32Array> {
  const state = new State(gpu);
  const { encoder, preparation } = readEncoder(state, file);
  const embedder = await Embedder.create(state, encoder, images, { ...preparation, batchSize: 3 });
  const rows = await embedder.embed(images);
  embedder.destroy();
  state.destroy();
  return rows;
}

const rowsOf = (name: string, rows: readonly number[]): Float32Array => {
  const all = features.get(name)!;
  const length = all.length / images.count;
  return Float32Array.from(rows.flatMap((row) => [...all.subarray(row * length, (row + 1) * length)]));
};

describe.skipIf(!onnxruntime)('an ONNX model', () => {
  it('of normalised images, and its own words about them', async () => {
    const out = join(folder, 'resnet.onnx');
    const { code, out: told, err } = await run('export', '--checkpoint', fileOf('resnet'), '--out', out);
    expect(code, err).toBe(0);
    expect(told).toContain('input      images [batch, 3, 32, 32], RGB, f32, normalised');
    expect(told).toContain('output     features [batch, 128], f32');
    const given = floatsOf(planesOf(images, [0, 1, 2]), size, colours);
    expect(relativeError(await runModel(out, given, [size, size]), features.get('resnet')!)).toBeLessThan(1e-4);
    const { metadataProps } = decodeModel(readFileSync(out));
    expect(Object.fromEntries(metadataProps.map(({ key, value }) => [key, value]))).toEqual({
      ...{ architecture: 'resnet18', stem: 'imagenet', width: '0.25', dimensions: '128', takes: 'normalized' },
      ...{ image_size: '32', mean: JSON.stringify(colours.mean), std: JSON.stringify(colours.std) },
    });
  });

  it('of pictures, which it prepares', async () => {
    const out = join(folder, 'bytes.onnx');
    const args = ['--checkpoint', fileOf('vit'), '--format', 'onnx', '--model-input', 'bytes', '--out', out];
    const { code, out: told, err } = await run('export', ...args);
    expect(code, err).toBe(0);
    expect(told).toContain('input      images [batch, 3, height, width], RGB, u8');
    const square = await runModel(out, planesOf(images, [0]), [size, size]);
    expect(relativeError(square, rowsOf('vit', [0]))).toBeLessThan(1e-4);
    const { data, info } = await sharp(join(photos, '1.png')).raw().toBuffer({ resolveWithObject: true });
    const area = info.width * info.height;
    const planes = Uint8Array.from(data, (_, i) => data[3 * (i % area) + Math.floor(i / area)]);
    // Its own resizing is not libvips' to the last bit.
    const other = await runModel(out, planes, [info.height, info.width]);
    expect(relativeError(other, rowsOf('vit', [1]))).toBeLessThan(0.02);
  });

  it('of a run’s checkpoint says which method it is of', async () => {
    const settings = madeSettings({ width: 0.25 });
    writeCheckpoint(join(folder, 'step.safetensors'), settings, 1, zeroTensors(settings));
    const out = join(folder, 'run.onnx');
    const { code, err } = await run('export', '--checkpoint', join(folder, 'step.safetensors'), '--out', out);
    expect(code, err).toBe(0);
    const { metadataProps } = decodeModel(readFileSync(out));
    expect(metadataProps).toContainEqual({ key: 'method', value: 'simclr' });
  });
});

describe.skipIf(!transformers)('a folder of Hugging Face', () => {
  it.each(names)('%s: transformers.js makes the same features', async (name) => {
    const out = join(folder, `hf-${name}`);
    const { code, err } = await run('export', '--checkpoint', fileOf(name), '--format', 'hf', '--out', out);
    expect(code, err).toBe(0);
    expect(readdirSync(out).sort()).toEqual(['config.json', 'model.safetensors', 'onnx', 'preprocessor_config.json']);
    const { pipeline, RawImage } = transformers!;
    const extract = await pipeline('image-feature-extraction', out);
    const pictures = await Promise.all(['0', '1', '2'].map((i) => RawImage.read(join(photos, `${i}.png`))));
    const exact = await extract(pictures[0], { pool: true });
    expect(relativeError(exact.data as Float32Array, rowsOf(name, [0]))).toBeLessThan(1e-4);
    const all = await extract(pictures);
    expect(all.dims).toEqual([3, features.get(name)!.length / 3]);
    // It rounds sides down where we round them, and may so cut a pixel beside ours: of 32 that is seen.
    expect(relativeError(all.data as Float32Array, features.get(name)!)).toBeLessThan(0.2);
    await extract.dispose();
  });

  it('tensors have the names that transformers in Python has for them', () => {
    const tensors = (name: string) => readSafetensors(join(folder, `hf-${name}`, 'model.safetensors')).tensors;
    const [resnet, deep, vit, other] = names.map(tensors);
    expect(resnet.get('embedder.embedder.convolution.weight')?.shape).toEqual([16, 3, 7, 7]);
    expect(resnet.get('encoder.stages.1.layers.0.shortcut.normalization.running_var')?.shape).toEqual([32]);
    expect(resnet.get('encoder.stages.3.layers.1.layer.1.convolution.weight')?.shape).toEqual([128, 128, 3, 3]);
    expect(deep.get('encoder.stages.2.layers.5.layer.2.convolution.weight')?.shape).toEqual([256, 64, 1, 1]);
    const [qkv, key] = ['blocks.3.attn.qkv.weight', 'encoder.layer.3.attention.attention.key.weight'];
    const own = readSafetensors(fileOf('vit')).tensors.get(qkv)!;
    expect(vit.get(key)).toMatchObject({ shape: [48, 48], data: own.data.slice(48 * 48, 2 * 48 * 48) });
    expect(vit.get('embeddings.patch_embeddings.projection.bias')?.shape).toEqual([48]);
    expect([...other.keys()]).toContain('layer1.0.conv1.weight');
    for (const [name, renamed] of [
      ['resnet', resnet],
      ['bottleneck', deep],
    ] as const)
      expect(renamed.size).toBe(readSafetensors(fileOf(name)).tensors.size);
    // 12 blocks of which qkv is three, weight and bias.
    expect(vit.size).toBe(readSafetensors(fileOf('vit')).tensors.size + 12 * 4);
  });

  it('the settings are those of the same network', () => {
    const config = (name: string) => JSON.parse(readFileSync(join(folder, `hf-${name}`, 'config.json'), 'utf8'));
    expect(config('resnet')).toMatchObject({
      ...{ model_type: 'resnet', layer_type: 'basic', embedding_size: 16 },
      ...{ hidden_sizes: [16, 32, 64, 128], depths: [2, 2, 2, 2] },
    });
    expect(config('bottleneck')).toMatchObject({ layer_type: 'bottleneck', hidden_sizes: [64, 128, 256, 512] });
    expect(config('vit')).toMatchObject({
      ...{ model_type: 'vit', hidden_size: 48, intermediate_size: 192, num_attention_heads: 3 },
      ...{ image_size: 32, patch_size: 4, layer_norm_eps: 1e-6 },
    });
    expect(config('other')).toMatchObject({ model_type: 'simclr-webgpu', hidden_size: 128 });
  });
});

describe('what cannot be exported is told in a line', () => {
  const never = join(folder, 'never');
  const plain = join(folder, 'a-file');
  writeFileSync(plain, '');
  it.each([
    [['--model-input', 'bytes'], /^simclr: --model-input: only with --format onnx$/m, 2],
    [['--format', 'hf', '--model-input', 'unit'], /^simclr: --model-input: only with --format onnx$/m, 2],
    [
      ['--image-size', '48', '--normalize', 'half'],
      /^simclr: --image-size, --normalize: only with --format onnx or hf$/m,
      2,
    ],
    [['--format', 'onnx', '--out', `${never}.pt`], /unknown extension for an ONNX model; supported: \.onnx/, 2],
    [['--from-head-layer', '1', '--out', `${never}.onnx`], /has no projection head with a hidden layer/, 2],
    [['--format', 'tflite'], /Allowed choices are safetensors, onnx, hf/, 2],
    [['--format', 'hf', '--out', plain], /cannot write .*a-file/, 1],
  ] as const)('%s', async (flags, message, code) => {
    const out = flags.some((flag) => flag === '--out') ? [] : ['--out', never];
    const result = await run('export', '--checkpoint', fileOf('resnet'), ...flags, ...out);
    expect(result.err).toMatch(message);
    expect(result.code).toBe(code);
    expect(result.err.trim().split('\n').length).toBeLessThanOrEqual(2);
    expect([never, `${never}.pt`, `${never}.onnx`].filter((path) => existsSync(path))).toEqual([]);
  });

  it.each([
    ['cpc-1d', 'sequences'],
    ['simcse', 'texts'],
  ])('an encoder of %s, of %s', async (method, kind) => {
    const file = join(folder, `${method}.safetensors`);
    writeSafetensors(file, [], { settings: JSON.stringify({ method }) });
    for (const format of ['onnx', 'hf']) {
      const { code, err } = await run('export', '--checkpoint', file, '--format', format, '--out', `${never}.onnx`);
      expect(code).not.toBe(0);
      expect(err).toMatch(new RegExp(`^simclr: .*${method}\\.safetensors: .*${kind}[^\n]*\n$`));
      expect(existsSync(`${never}.onnx`)).toBe(false);
    }
  });

  it('no such file', async () => {
    const result = await run('export', '--checkpoint', join(folder, 'none.safetensors'), '--format', 'onnx');
    expect(result).toMatchObject({ code: 1, err: expect.stringMatching(/^simclr: cannot read .*none\.safetensors/) });
  });
});
