import { expect, it } from 'vitest';
import { UserError } from '../src/errors.ts';
import { State } from '../src/graph/state.ts';
import { elements } from '../src/graph/tensor.ts';
import { constant, input, trace } from '../src/graph/trace.ts';
import { encoderOf } from '../src/nn/encoders.ts';
import { Module, type NamedTensor } from '../src/nn/module.ts';
import { projectionHead } from '../src/nn/projection_head.ts';
import { ResNet, type ResNetName, type ResNetOptions } from '../src/nn/resnet.ts';
import { fromTorch, readEntries, toTorch, writeEntries } from '../src/nn/state_dict.ts';
import type { Conv2dAttributes } from '../src/ops/conv2d_launches.ts';
import { stored } from '../src/train/checkpoint_tensors.ts';
import { noise, onEveryAdapter } from './ops/harness.ts';
import { SimClr } from './ssl/contrastive.ts';

const resnet = (architecture: ResNetName, stem: ResNetOptions['stem'] = 'imagenet', seed = 1) =>
  new ResNet({ architecture, stem, seed });

const count = (entries: readonly NamedTensor[]): number =>
  entries.reduce((sum, { torchShape }) => sum + elements(torchShape), 0);

const named = (entries: readonly NamedTensor[]) =>
  entries.map(({ tensor, torchShape }) => `${tensor.name} ${torchShape.join('×')}`);

/** Names and shapes of torchvision's `resnet(…).named_parameters()` without `fc`, written down from its source. */
function torchvisionParameters(blocks: readonly number[], { base = 64, bottleneck = false } = {}): string[] {
  const conv = (name: string, out: number, inputs: number, k: number) => `${name}.weight ${out}×${inputs}×${k}×${k}`;
  const norm = (name: string, channels: number) => [`${name}.weight ${channels}`, `${name}.bias ${channels}`];
  const names = [conv('conv1', base, 3, 7), ...norm('bn1', base)];
  let inputs = base;
  blocks.forEach((length, stage) => {
    const channels = base << stage;
    const outputs = bottleneck ? 4 * channels : channels;
    for (let block = 0; block < length; block++) {
      const at = `layer${stage + 1}.${block}`;
      names.push(conv(`${at}.conv1`, channels, inputs, bottleneck ? 1 : 3), ...norm(`${at}.bn1`, channels));
      names.push(conv(`${at}.conv2`, channels, channels, 3), ...norm(`${at}.bn2`, channels));
      if (bottleneck) names.push(conv(`${at}.conv3`, outputs, channels, 1), ...norm(`${at}.bn3`, outputs));
      if (inputs !== outputs)
        names.push(conv(`${at}.downsample.0`, outputs, inputs, 1), ...norm(`${at}.downsample.1`, outputs));
      inputs = outputs;
    }
  });
  return names;
}

it.each([
  ['resnet18', [2, 2, 2, 2], false, 512, 60, 120, 11_176_512],
  ['resnet34', [3, 4, 6, 3], false, 512, 108, 216, 21_284_672],
  ['resnet50', [3, 4, 6, 3], true, 2048, 159, 318, 23_508_032],
] as const)(
  '%s has the parameters of torchvision, by name, order, shape and number',
  (name, blocks, bottleneck, dimensions, tensors, entries, size) => {
    const model = resnet(name);
    expect(model.dimensions).toBe(dimensions);
    expect(named(model.parameters)).toEqual(torchvisionParameters(blocks, { bottleneck }));
    expect(model.parameters).toHaveLength(tensors);
    expect(count(model.parameters)).toBe(size);
    const values = [...model.parameters, ...model.buffers].map(
      (entry) =>
        [entry.tensor.name, { shape: entry.torchShape, data: new Float32Array(elements(entry.torchShape)) }] as const,
    );
    const state = [...stored(new Map(values), 7)];
    expect(state).toHaveLength(entries);
    expect(state.filter(([key]) => key.endsWith('num_batches_tracked'))).toHaveLength((entries - tensors) / 3);
    expect(Object.fromEntries(state)['bn1.num_batches_tracked']).toEqual({
      dtype: 'I64',
      shape: [],
      data: BigInt64Array.of(7n),
    });
  },
);

it.each([
  ['resnet18', 0.25, [2, 2, 2, 2], false, 128],
  ['resnet18', 2, [2, 2, 2, 2], false, 1024],
  ['resnet50', 0.25, [3, 4, 6, 3], true, 512],
] as const)(
  '%s of width %d has so many times the channels in every layer',
  (architecture, width, blocks, bottleneck, h) => {
    const model = new ResNet({ architecture, stem: 'imagenet', width, seed: 1 });
    expect(named(model.parameters)).toEqual(torchvisionParameters(blocks, { base: 64 * width, bottleneck }));
    expect(model.dimensions).toBe(h);
    const { graph } = trace(() => {
      const features = model.forward(input('x', [2, 32, 32, 4], 'f32'), { training: true });
      expect(features.shape).toEqual([2, h]);
      return { features };
    });
    expect(graph.nodes.length).toBeGreaterThan(60);
  },
);

it('the batch norms have 9,600 parameters, the convolutions 11,166,912', () => {
  const { parameters } = resnet('resnet18');
  expect(count(parameters.filter(({ torchShape }) => torchShape.length === 1))).toBe(9_600);
  expect(count(parameters.filter(({ torchShape }) => torchShape.length === 4))).toBe(11_166_912);
});

it('with the head of 512, 512 and 128 units there are 11,504,832 parameters', () => {
  const model = new SimClr();
  expect(count(model.parameters)).toBe(11_504_832);
  expect(named(model.head.parameters)).toEqual([
    'fc.0.weight 512×512',
    'fc.0.bias 512',
    'fc.2.weight 128×512',
    'fc.2.bias 128',
  ]);
  expect(new Set([...model.parameters, ...model.buffers].map(({ tensor }) => tensor.name)).size).toBe(64 + 40);
});

it.each([
  [1, false, ['fc.0.weight 10×512', 'fc.0.bias 10']],
  [
    3,
    false,
    ['fc.0.weight 64×512', 'fc.0.bias 64', 'fc.2.weight 64×64', 'fc.2.bias 64', 'fc.4.weight 10×64', 'fc.4.bias 10'],
  ],
  [
    2,
    true,
    ['fc.0.weight 64×512', 'fc.0.bias 64', 'fc.1.weight 64', 'fc.1.bias 64', 'fc.3.weight 10×64', 'fc.3.bias 10'],
  ],
] as const)('a head of %i layers (batch norm: %s) is numbered as in a Sequential', (depth, batchNorm, expected) => {
  const head = projectionHead({ depth, batchNorm, width: 64, outputs: 10, inputs: 512, seed: 1 });
  expect(named(head.parameters)).toEqual(expected);
});

it('SimCLR v2’s head has batch norm behind each layer, the last without a bias', () => {
  const sizes = { depth: 3, width: 64, inputs: 512, outputs: 10, seed: 1 };
  const head = projectionHead({ ...sizes, batchNorm: true, outputBatchNorm: true });
  const layer = (at: number, inputs: number) => [`fc.${at}.weight 64×${inputs}`, `fc.${at}.bias 64`];
  const norm = (at: number) => [`fc.${at}.weight 64`, `fc.${at}.bias 64`];
  const hidden = [...layer(0, 512), ...norm(1), ...layer(3, 64), ...norm(4)];
  expect(named(head.parameters)).toEqual([...hidden, 'fc.6.weight 10×64', 'fc.7.weight 10']);
  expect(head.buffers.map(({ tensor }) => tensor.name)).toContain('fc.7.running_var');
});

it('an encoder that ends with layers of a head has their parameters behind its own', () => {
  const head = { widths: [64, 32], batchNorm: true, bias: false, activation: 'relu' } as const;
  const encoder = encoderOf({ architecture: 'resnet18', stem: 'imagenet', seed: 1, head });
  const own = named(resnet('resnet18').parameters);
  expect(encoder.dimensions).toBe(32);
  expect(named(encoder.parameters)).toEqual([
    ...own,
    ...['head.0.weight 64×512', 'head.1.weight 64', 'head.1.bias 64'],
    ...['head.3.weight 32×64', 'head.4.weight 32', 'head.4.bias 32'],
  ]);
});

it('the cifar stem is 3×3, and keeps all other names and shapes', () => {
  const [first, ...others] = named(resnet('resnet18', 'cifar').parameters);
  expect(first).toBe('conv1.weight 64×3×3×3');
  expect(others).toEqual(named(resnet('resnet18').parameters).slice(1));
});

it('of a bottleneck the 3×3 convolution has the stride, in every stage but the first', () => {
  const { graph } = trace(() => resnet('resnet50').forward(input('x', [2, 64, 64, 4], 'f32'), { training: true }));
  const strided = graph.nodes.filter(
    ({ op, attrs }) => op.name === 'conv2d' && (attrs as Conv2dAttributes).stride === 2,
  );
  expect(strided.map(({ label }) => label.replace('/conv2d', ''))).toEqual([
    'conv1',
    ...[2, 3, 4].flatMap((stage) => [`layer${stage}.0.conv2`, `layer${stage}.0.downsample.0`]),
  ]);
});

it('maps of 96 pixels are 48, 24, 12, 6 and 3 wide; those of the cifar stem 32, 16, 8 and 4', () => {
  const widths = (model: ResNet, size: number) => {
    const views = constant('views', new Float32Array(size * size * 8), [2, size, size, 4]);
    const { graph, result } = trace(() => model.forward(views, { training: true }));
    expect(result.shape).toEqual([2, model.dimensions]);
    const maps = graph.nodes.flatMap((node) => node.outputs.filter(({ shape }) => shape.length === 4));
    return [...new Set(maps.map(({ shape }) => shape[1]))];
  };
  expect(widths(resnet('resnet18'), 96)).toEqual([48, 24, 12, 6, 3]);
  expect(widths(resnet('resnet34'), 97)).toEqual([49, 25, 13, 7, 4]);
  expect(widths(resnet('resnet50'), 97)).toEqual([49, 25, 13, 7, 4]);
  expect(widths(resnet('resnet18', 'cifar'), 32)).toEqual([32, 16, 8, 4]);
});

const first = ({ tensor }: NamedTensor): Float32Array => {
  if (tensor.origin.kind !== 'variable') throw new Error(`${tensor} is no variable`);
  return tensor.origin.init!() as Float32Array;
};

const moments = (values: Float32Array): { mean: number; std: number; kurtosis: number } => {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const power = (k: number) => values.reduce((sum, value) => sum + (value - mean) ** k, 0) / values.length;
  return { mean, std: Math.sqrt(power(2)), kurtosis: power(4) / power(2) ** 2 };
};

it('convolutions start as N(0, 2/(k²·out)), batch norms as 1 and 0', () => {
  for (const entry of resnet('resnet18').parameters.slice(0, 30)) {
    const { tensor, torchShape } = entry;
    if (torchShape.length === 1) {
      expect(
        first(entry).every((value) => value === (tensor.name.endsWith('.weight') ? 1 : 0)),
        tensor.name,
      ).toBe(true);
      continue;
    }
    const [out, , k] = torchShape;
    const { data } = toTorch(entry, first(entry));
    const { mean, std, kurtosis } = moments(data);
    // Deviations of four sigma for as many draws.
    const allowed = 4 / Math.sqrt(data.length);
    const expected = Math.sqrt(2 / (k * k * out));
    expect(Math.abs(mean) / expected, tensor.name).toBeLessThan(allowed);
    expect(Math.abs(std / expected - 1), tensor.name).toBeLessThan(allowed);
    expect(Math.abs(kurtosis - 3), tensor.name).toBeLessThan(5 * allowed);
  }
});

it('running statistics start as 0 and 1', () => {
  for (const entry of resnet('resnet18').buffers) {
    const start = entry.tensor.name.endsWith('running_var') ? 1 : 0;
    expect(
      first(entry).every((value) => value === start),
      entry.tensor.name,
    ).toBe(true);
  }
});

it('linear layers start as U(±1/√in), weights and biases', () => {
  for (const entry of new SimClr({ headWidth: 200 }).head.parameters) {
    const bound = 1 / Math.sqrt(entry.tensor.name.startsWith('fc.0') ? 512 : 200);
    const values = first(entry);
    const { mean, std } = moments(values);
    const allowed = 4 / Math.sqrt(values.length);
    expect(
      values.every((value) => Math.abs(value) < bound),
      entry.tensor.name,
    ).toBe(true);
    expect(Math.abs(mean) / bound).toBeLessThan(allowed);
    expect(Math.abs((std * Math.sqrt(3)) / bound - 1)).toBeLessThan(allowed);
  }
});

it('first values depend on the seed and on the name, and on nothing else', () => {
  const [a, again, other] = [resnet('resnet18'), resnet('resnet34'), resnet('resnet18', 'imagenet', 2)].map(
    (model) => new Map(model.parameters.map((entry) => [entry.tensor.name, entry])),
  );
  const value = (model: Map<string, NamedTensor>, name: string) => first(model.get(name)!);
  expect(value(again, 'layer1.0.conv1.weight')).toEqual(value(a, 'layer1.0.conv1.weight'));
  expect(value(other, 'layer1.0.conv1.weight')).not.toEqual(value(a, 'layer1.0.conv1.weight'));
  expect(value(a, 'layer1.0.conv2.weight')).not.toEqual(value(a, 'layer1.0.conv1.weight'));
});

it('the fourth channel of the images has weights of zero', () => {
  const [conv1] = resnet('resnet18').parameters;
  expect(conv1.tensor.shape).toEqual([64, 7, 7, 4]);
  const values = first(conv1);
  expect(values.every((value, i) => (i % 4 === 3) === (value === 0))).toBe(true);
});

/** A convolution of odd sizes, as a named tensor. */
class Odd extends Module {
  readonly entry: NamedTensor;

  constructor() {
    super('odd');
    this.parameter('weight', [5, 2, 3, 8], () => new Float32Array(240), [5, 6, 2, 3]);
    [this.entry] = this.parameters;
  }

  forward(): never {
    throw new Error('it only has weights');
  }
}

it('weights go to PyTorch’s layout and come back the same; padded channels are zero', () => {
  const { entry } = new Odd();
  const torch = Float32Array.from({ length: 5 * 6 * 2 * 3 }, (_, i) => i + 1);
  const ours = fromTorch(entry, torch);
  const at = (o: number, y: number, x: number, i: number) => ours[((o * 2 + y) * 3 + x) * 8 + i];
  expect(at(4, 1, 2, 5)).toBe(180);
  expect(at(3, 0, 2, 1)).toBe(((3 * 6 + 1) * 2 + 0) * 3 + 2 + 1);
  expect([at(0, 0, 0, 6), at(4, 1, 2, 7)]).toEqual([0, 0]);
  expect(ours.filter((value) => value !== 0)).toHaveLength(180);
  expect(toTorch(entry, ours)).toEqual({ shape: [5, 6, 2, 3], data: torch });
});

onEveryAdapter((gpu) => {
  it('a state dict is written and read back; one that does not fit changes nothing', async () => {
    const model = projectionHead({ depth: 2, batchNorm: true, width: 5, outputs: 3, inputs: 7, seed: 1 });
    const entries = [...model.parameters, ...model.buffers, new Odd().entry];
    const state = new State(gpu());
    const tensors = new Map(
      entries.map(({ tensor: { name }, torchShape: shape }, i) => [name, { shape, data: noise(elements(shape), i) }]),
    );
    writeEntries(state, entries, tensors, 'a.safetensors');
    expect(await readEntries(state, entries)).toEqual(tensors);

    const zero = new Map([...tensors].map(([name, { shape, data }]) => [name, { shape, data: data.map(() => 0) }]));
    const refused = (change: (tensors: typeof zero) => void, message: string) => {
      const broken = new Map(zero);
      change(broken);
      expect(() => writeEntries(state, entries, broken, 'b.safetensors')).toThrow(UserError);
      expect(() => writeEntries(state, entries, broken, 'b.safetensors')).toThrow(`b.safetensors: ${message}`);
    };
    refused((broken) => broken.delete('fc.1.running_var'), "tensor 'fc.1.running_var' is missing");
    const swapped = { shape: [7, 5], data: new Float32Array(35) };
    refused((broken) => broken.set('fc.0.weight', swapped), "tensor 'fc.0.weight' has shape [7, 5], expected [5, 7]");
    expect(await readEntries(state, entries)).toEqual(tensors);
    state.destroy();
  });
});
