/** Models in ONNX give what `embed` gives, by another runtime: every architecture, what it may see, and layers of heads. */
import { beforeAll, describe, expect, it } from 'vitest';
import { Embedder } from '../../src/analysis/embed.ts';
import { normalization } from '../../src/data/preparation.ts';
import { Gpu } from '../../src/gpu/device.ts';
import { State } from '../../src/graph/state.ts';
import type { Encoder } from '../../src/nn/encoder.ts';
import { architectures, encoderInputs } from '../../src/nn/encoder_shape.ts';
import { type EncoderOptions, encoderOf } from '../../src/nn/encoders.ts';
import type { Module } from '../../src/nn/module.ts';
import { Vit } from '../../src/nn/vit.ts';
import { onnxModel } from '../../src/onnx/model.ts';
import { decodeModel } from '../../src/onnx/schema.ts';
import { adapters, relativeError } from '../ops/harness.ts';
import { onnxruntime } from '../packages.ts';
import { drawn } from '../train/drawn.ts';
import { drawValues, floatsOf, planesOf, runModel } from './harness.ts';

const colours = normalization({ normalize: 'imagenet' });
const shared = { stem: 'imagenet', width: 0.25, positions: 'learned', seed: 3 } as const;

interface Case extends Partial<EncoderOptions> {
  readonly size: number;
}

const head = { widths: [24, 16], batchNorm: true, bias: false, activation: 'gelu' } as const;
const cases: Readonly<Record<string, Case>> = {
  ...Object.fromEntries(architectures.map((architecture) => [architecture, { architecture, size: 32 }])),
  'the stem for small images': { architecture: 'resnet18', stem: 'cifar', size: 16 },
  'layer norm': { architecture: 'resnet18', norm: 'layer', size: 32 },
  'another width': { architecture: 'resnet18', width: 0.5, size: 40 },
  'a size that no stride divides': { architecture: 'resnet34', size: 45 },
  'dcgan of less than 32 pixels': { architecture: 'dcgan', size: 20 },
  'fixed positions': { architecture: 'vit_tiny', positions: 'sincos', patch: 8, size: 32 },
  'images larger than those that positions are of': { architecture: 'vit_tiny', patch: 4, grid: 5, size: 32 },
  ...Object.fromEntries(
    encoderInputs.slice(1).map((input) => [input, { architecture: 'resnet18', stem: 'cifar', input, size: 32 }]),
  ),
  'halves of Lab that are transformers': { architecture: 'vit_tiny', width: 0.5, input: 'lab-halves', size: 32 },
  'layers of a projection head': { architecture: 'resnet18', head, size: 32 },
};

let gpu: Gpu;
beforeAll(async () => {
  gpu = await Gpu.open({ adapter: adapters[0] });
  return () => gpu.destroy();
});

describe.skipIf(!onnxruntime)('a model computes what embed computes', () => {
  it.each(Object.entries(cases))('%s', async (_, { size, ...options }) => {
    await expectSame(encoderOf({ ...shared, imageSize: size, ...colours, ...options } as EncoderOptions), size);
  });

  it('heads of more numbers than the fused attention has', async () => {
    const sizes = { dimensions: 144, depth: 4, heads: 2 };
    const shape = { architecture: 'vit_tiny', width: 1, patch: 8, grid: 4, positions: 'learned' } as const;
    await expectSame(new Vit({ ...shape, sizes, seed: 3 }), 32);
  });
});

/** Of an encoder with drawn values: the model of it gives the same features, of several images and of one. */
async function expectSame(encoder: Module & Encoder, size: number): Promise<void> {
  const state = new State(gpu);
  const tensors = await drawValues(state, encoder);
  const images = drawn('test', 3, size);
  const preparation = { imageSize: size, ...colours };
  const embedder = await Embedder.create(state, encoder, images, { ...preparation, batchSize: 3 });
  const expected = await embedder.embed(images);
  embedder.destroy();
  state.destroy();
  const spreadOfFeatures = Math.max(...expected) - Math.min(...expected);
  expect(spreadOfFeatures).toBeGreaterThan(0.01);

  const model = onnxModel(encoder, tensors, { preparation });
  const pixels = planesOf(images, [0, 1, 2]);
  const features = await runModel(model, floatsOf(pixels, size, colours), [size, size]);
  expect(relativeError(features, expected)).toBeLessThan(1e-4);
  // Of any number of images: the last alone.
  const last = floatsOf(pixels.subarray((2 * pixels.length) / 3), size, colours);
  const alone = await runModel(model, last, [size, size]);
  expect(relativeError(alone, expected.slice(2 * encoder.dimensions))).toBeLessThan(1e-4);
}

describe('what a model says of itself', () => {
  const encoder = encoderOf({ ...shared, architecture: 'resnet18' });
  const zeros = new Map(
    [...encoder.parameters, ...encoder.buffers].map(({ tensor, torchShape: shape }) => [
      tensor.name,
      { shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)) },
    ]),
  );
  const preparation = { imageSize: 32, ...colours };

  it('its operators, its ports and its metadata', () => {
    const model = decodeModel(onnxModel(encoder, zeros, { preparation, metadata: { method: 'simclr' } }));
    expect(model).toMatchObject({
      ...{ irVersion: 8, producerName: 'simclr-webgpu', opsetImport: [{ domain: '', version: 17 }] },
      metadataProps: [{ key: 'method', value: 'simclr' }],
    });
    const ports = [...model.graph.input, ...model.graph.output].map(({ name, type }) => ({ name, ...type.tensorType }));
    const sizes = (...values: readonly (number | string)[]) => ({
      dim: values.map((value) =>
        expect.objectContaining(typeof value === 'number' ? { dimValue: value } : { dimParam: value }),
      ),
    });
    expect(ports).toMatchObject([
      { name: 'images', elemType: 1, shape: sizes('batch', 3, 32, 32) },
      { name: 'features', elemType: 1, shape: sizes('batch', encoder.dimensions) },
    ]);
  });

  it('weights have torchvision’s names, and maps are turned nowhere', () => {
    const { node, initializer } = decodeModel(onnxModel(encoder, zeros, { preparation })).graph;
    expect(initializer.map(({ name }) => name)).toEqual(expect.arrayContaining([...zeros.keys()]));
    const kinds = new Set(node.map(({ opType }) => opType));
    const expected = [
      'Conv',
      'BatchNormalization',
      'Relu',
      'MaxPool',
      'Add',
      'GlobalAveragePool',
      'Flatten',
      'Identity',
    ];
    expect(kinds).toEqual(new Set(expected));
    expect(new Set(node.map(({ name }) => name)).size).toBe(node.length);
    expect(node.some(({ name }) => name.startsWith('layer4.1.conv2/Conv'))).toBe(true);
  });
});
