/** Vision transformers: timm's names and sizes, positions of other grids, what is left out in training, and files. */
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { Embedder } from '../src/analysis/embed.ts';
import { normalization } from '../src/data/preparation.ts';
import { Gpu } from '../src/gpu/device.ts';
import { State } from '../src/graph/state.ts';
import { constant, trace } from '../src/graph/trace.ts';
import { readSafetensors, writeSafetensors } from '../src/io/safetensors.ts';
import { simclr } from '../src/methods/simclr.ts';
import { isInStages, isTrunk, patchOf, shapeOf } from '../src/nn/encoder_shape.ts';
import { makeEncoder } from '../src/nn/encoders.ts';
import { countNumbers, type NamedTensor } from '../src/nn/module.ts';
import { resampledPlaces } from '../src/nn/positions.ts';
import { entriesOf, type TorchTensor, withFittedPlaces } from '../src/nn/state_dict.ts';
import { Block } from '../src/nn/transformer.ts';
import { Vit, type VitOptions, vitNames } from '../src/nn/vit.ts';
import { StepFeeds } from '../src/ssl/feeds.ts';
import { keptEntries } from '../src/ssl/method.ts';
import { readEncoder, readEncoderFile, readEncoderTensors } from '../src/train/encoder_file.ts';
import { saveEncoder } from '../src/train/export.ts';
import { loadInitialWeights } from '../src/train/initial_weights.ts';
import { learnerOf, viewsOf } from '../src/train/learner.ts';
import { parseSettings } from '../src/train/settings.ts';
import { scratchFolder } from './cli/run.ts';
import { testMethod } from './methods/harness.ts';
import { adapters, noise } from './ops/harness.ts';
import { interpret } from './reference/interpreter.ts';
import { drawn } from './train/drawn.ts';

testMethod(simclr, { architecture: 'vit_tiny', patch: 8, dropPath: 0.3 });

const small: VitOptions = {
  ...{ architecture: 'vit_tiny', width: 0.25, patch: 4, grid: 3, positions: 'learned', seed: 1 },
};
const pictures = (size: number, count = 2) =>
  constant('pictures', noise(count * size * size * 4, 3), [count, size, size, 4]);
const inference = { training: false };

describe('the network', () => {
  it('has timm’s names and shapes', () => {
    const { parameters, buffers } = new Vit({ ...small, width: 1, grid: 14, patch: 16 });
    const block = (i: number) =>
      [
        ...['norm1.weight 192', 'norm1.bias 192', 'attn.qkv.weight 576×192', 'attn.qkv.bias 576'],
        ...['attn.proj.weight 192×192', 'attn.proj.bias 192', 'norm2.weight 192', 'norm2.bias 192'],
        ...['mlp.fc1.weight 768×192', 'mlp.fc1.bias 768', 'mlp.fc2.weight 192×768', 'mlp.fc2.bias 192'].map(
          (name) => name,
        ),
      ].map((name) => `blocks.${i}.${name}`);
    expect(parameters.map(({ tensor, torchShape }) => `${tensor.name} ${torchShape.join('×')}`)).toEqual([
      ...[
        'cls_token 1×1×192',
        'pos_embed 1×197×192',
        'patch_embed.proj.weight 192×3×16×16',
        'patch_embed.proj.bias 192',
      ],
      ...Array.from({ length: 12 }, (_, i) => block(i)).flat(),
      ...['norm.weight 192', 'norm.bias 192'],
    ]);
    expect(buffers).toEqual([]);
    expect(parameters.every(({ tensor }) => isTrunk(tensor.name))).toBe(true);
  });

  it('has as many parameters as timm’s vit_*_patch16_224 without its classifier', () => {
    const counts = vitNames.map((architecture) =>
      countNumbers(new Vit({ ...small, architecture, width: 1, grid: 14, patch: 16 }).parameters),
    );
    expect(counts).toEqual([5_524_416, 21_665_664, 85_798_656]);
  });

  it('has stages of three blocks', () => {
    const names = ['cls_token', 'patch_embed.proj.bias', 'blocks.2.norm1.bias', 'blocks.3.norm1.bias', 'norm.weight'];
    expect([0, 1, 2, 4].map((stages) => names.map((name) => isInStages(name, stages)))).toEqual([
      [false, false, false, false, false],
      [true, true, true, false, false],
      [true, true, true, true, false],
      [true, true, true, true, false],
    ]);
  });

  it('fits its patches to the images where nobody says how large they are', () => {
    expect([16, 32, 64, 96, 224].map(patchOf)).toEqual([2, 4, 8, 8, 16]);
    const settings = { architecture: 'vit_tiny', stem: 'imagenet' } as const;
    expect(shapeOf({ ...settings, imageSize: 96, patch: 0 })).toMatchObject({
      patch: 8,
      grid: 12,
      positions: 'learned',
    });
    expect(() => shapeOf(settings)).toThrow('needs imageSize');
    const fault = () => parseSettings({ method: 'simclr', architecture: 'vit_tiny', imageSize: 32, patch: 5 });
    expect(fault).toThrow('--patch 5 must divide --image-size 32 into two patches or more');
    const crops = { method: 'dino', architecture: 'vit_tiny', imageSize: 32, localCrops: 2, localSize: 18 };
    expect(() => parseSettings(crops)).toThrow('views of 18 pixels, which are no whole patches of 4');
  });

  it('is refused for images that have no whole patches', () => {
    const fault = () => parseSettings({ method: 'simclr', architecture: 'vit_tiny', imageSize: 97 });
    expect(fault).toThrow('--image-size 97 has no whole patches; give a multiple of 8');
  });

  it('has the same first values as a network that follows another', () => {
    const [own, other] = ['', 'teacher'].map((name) => new Vit(small, name).parameters);
    expect(other.map(({ tensor }) => tensor.name)).toEqual(own.map(({ tensor }) => `teacher/${tensor.name}`));
    const firstOf = ({ tensor: { origin } }: NamedTensor) => origin.kind === 'variable' && origin.init?.();
    expect(other.map(firstOf)).toEqual(own.map(firstOf));
  });

  it('leaves nothing out where it follows another, and where nobody asks for it', () => {
    const dropped = (method: string, dropPath: number) => {
      const settings = parseSettings({
        ...{ method, architecture: 'vit_tiny', width: 0.25, imageSize: 16 },
        dropPath,
        batchSize: 4,
      });
      const learner = learnerOf(settings, { count: 17, classes: 3 });
      const views = viewsOf(settings).flatMap(({ count, size }) =>
        Array.from({ length: count }, () => pictures(size, 4)),
      );
      const labels = new Array<number>(17).fill(1);
      const { graph } = trace(() => learner.step(views, new StepFeeds(4, labels)).losses.map(([, loss]) => loss()));
      return graph.nodes.filter(({ op }) => op.name === 'dropout').length;
    };
    // Two branches of eleven blocks in each of two passes of the online network, none of the target's.
    expect([dropped('byol', 0.2), dropped('byol', 0)]).toEqual([44, 0]);
    expect([dropped('supervised', 0.2), dropped('supervised', 0)]).toEqual([22, 0]);
  });

  it('gives features, tokens, maps and attention of its class token', () => {
    const encoder = new Vit(small);
    const { graph, result } = trace(() => ({
      features: encoder.forward(pictures(12), inference),
      attention: encoder.classAttention(pictures(12), inference),
      maps: encoder.maps(pictures(12), inference),
    }));
    expect([result.features.shape, result.attention.shape]).toEqual([
      [2, 48],
      [2, 3, 9],
    ]);
    expect(result.maps.map(({ shape }) => shape.join())).toEqual(Array(4).fill('2,3,3,48'));
    const attention = interpret(graph).get(result.attention)!;
    for (let row = 0; row < 6; row++) {
      const total = attention.slice(row * 9, row * 9 + 9).reduce((sum, value) => sum + value, 0);
      expect(total).toBeGreaterThan(0.5);
      expect(total).toBeLessThan(1); // the rest is what it takes from itself
    }
  });

  it('sees images of other sizes, and a token does not depend on which others there are but through attention', () => {
    const encoder = new Vit(small);
    const { graph, result } = trace(() => ({
      larger: encoder.forward(pictures(16), inference),
      alone: encoder.embed(pictures(12, 1), inference),
      together: encoder.embed(pictures(12, 2), inference),
    }));
    const values = interpret(graph);
    expect(result.larger.shape).toEqual([2, 48]);
    expect([...values.get(result.together)!].slice(0, 9 * 48)).toEqual([...values.get(result.alone)!]);
  });
});

describe('positions', () => {
  const resampled = (from: number, to: number, line: readonly number[]) => {
    const matrix = resampledPlaces(from, to);
    return Array.from({ length: to * to }, (_, i) =>
      line.reduce((sum, v, k) => sum + matrix[i * from * from + k] * v, 0),
    );
  };
  const line = Array.from({ length: 9 }, (_, i) => i ** 1.5);
  // torch.nn.functional.interpolate(mode='bicubic', align_corners=False) of PyTorch 1.13
  const smaller = [1.0803729, 3.8902194, 13.4166718, 19.5623608];
  const larger = [
    ...[-0.43545, -0.0063525, 1.2171066, 2.3532236, 2.1333663, 3.3012788, 5.4798688, 7.0991015],
    ...[8.9487953, 10.9434576, 14.2501192, 16.4857903, 15.0991983, 17.412735, 21.2074509, 23.7486343],
  ];

  it.each([
    [2, smaller],
    [4, larger],
  ])('of a grid of 3 become those of %d as PyTorch’s bicubic interpolation makes them', (to, expected) => {
    resampled(3, to, line).forEach((value, i) => expect(value).toBeCloseTo(expected[i], 4));
  });

  it('of a file are fitted to the grid of a network, the class token’s as it is', () => {
    const entries = entriesOf(new Vit({ ...small, grid: 2 }));
    const data = Float32Array.from({ length: 10 * 48 }, (_, i) => (i < 48 ? 7 : line[Math.floor(i / 48) - 1]));
    const file = new Map<string, TorchTensor>([['pos_embed', { shape: [1, 10, 48], data }]]);
    const fitted = withFittedPlaces(entries, file).get('pos_embed')!;
    expect(fitted.shape).toEqual([1, 5, 48]);
    const rows = [0, 1, 2, 3, 4].map((row) => fitted.data[48 * row + 11]);
    [7, ...smaller].forEach((value, row) => expect(rows[row]).toBeCloseTo(value, 4));
  });

  it('fixed ones are a buffer that files have', () => {
    const { parameters, buffers } = new Vit({ ...small, positions: 'sincos' });
    expect(parameters.some(({ tensor }) => tensor.name === 'pos_embed')).toBe(false);
    expect(buffers.map(({ tensor }) => tensor.name)).toEqual(['pos_embed']);
  });
});

describe('stochastic depth', () => {
  const block = new Block('block', { dimensions: 16, heads: 2, seed: 1, dropPath: 0.5 });
  const n = 64;
  const outputs = (mode: { training: boolean; seed?: number }) => {
    const { graph, result } = trace(() => {
      const x = constant('x', noise(n * 3 * 16, 3), [n, 3, 16]);
      const seeds = mode.seed === undefined ? {} : { seeds: constant('seeds', Uint32Array.of(mode.seed)) };
      return { x, y: block.forward(x, { training: mode.training, ...seeds }) };
    });
    const values = interpret(graph);
    const [x, y] = [values.get(result.x)!, values.get(result.y)!];
    return {
      y,
      changed: Array.from({ length: n }, (_, i) => x.slice(48 * i, 48 * i + 48).some((v, k) => v !== y[48 * i + k])),
    };
  };

  it('leaves out both branches of about a quarter of the images, others in other steps, and none in inference', () => {
    const [one, other] = [outputs({ training: true, seed: 1 }), outputs({ training: true, seed: 2 })];
    const still = one.changed.filter((changed) => !changed).length;
    expect(still).toBeGreaterThan(5);
    expect(still).toBeLessThan(28);
    expect(one.changed).not.toEqual(other.changed);
    expect(outputs({ training: false, seed: 1 }).changed.every(Boolean)).toBe(true);
    expect([...outputs({ training: false, seed: 1 }).y]).toEqual([...outputs({ training: true }).y]);
  });
});

describe('files', () => {
  const folder = scratchFolder();
  const test = drawn('test', 6, 16);
  const prepared = { imageSize: 16, ...normalization({ normalize: 'half' }) };
  let gpu: Gpu;
  beforeAll(async () => {
    gpu = await Gpu.open({ adapter: adapters[0] });
    return () => gpu.destroy();
  });

  const embed = async (state: State, encoder: Parameters<typeof Embedder.create>[1]) => {
    const embedder = await Embedder.create(state, encoder, test, { ...prepared, batchSize: 4 });
    const features = await embedder.embed(test);
    embedder.destroy();
    return features;
  };

  it.each(['learned', 'sincos'] as const)('with %s positions: what is saved is read again', async (positions) => {
    const file = join(folder, `${positions}.safetensors`);
    const state = new State(gpu);
    const encoder = makeEncoder({ ...small, stem: 'imagenet', grid: 4, positions });
    const before = await embed(state, encoder);
    await saveEncoder(state, encoder, file, prepared);
    state.destroy();
    const other = new State(gpu);
    expect(await embed(other, readEncoder(other, file).encoder)).toEqual(before);
    other.destroy();
    expect(readEncoderFile(file)).toMatchObject({
      architecture: 'vit_tiny',
      width: 0.25,
      patch: 4,
      grid: 4,
      positions,
    });
  });

  it('a run of larger images starts from it, with places in between', async () => {
    const settings = parseSettings({
      ...{ method: 'byol', architecture: 'vit_tiny', width: 0.25, patch: 4, imageSize: 24, batchSize: 4 },
    });
    const learner = learnerOf(settings, { count: 17, classes: 0 });
    const { path, tensors } = readEncoderTensors(join(folder, 'learned.safetensors'));
    const state = new State(gpu);
    loadInitialWeights(state, learner, { path, tensors, head: undefined });
    const placesOf = (of: readonly NamedTensor[]) =>
      state.read(of.find(({ tensor }) => tensor.name.endsWith('pos_embed'))!.tensor);
    const places = await placesOf(learner.encoder.parameters);
    const stored = tensors.get('pos_embed')!.data;
    expect(places.length).toBe(37 * 48);
    expect([...places.slice(0, 48)]).toEqual([...stored.slice(0, 48)]);
    const matrix = resampledPlaces(4, 6);
    const expected = Array.from({ length: 16 }, (_, k) => matrix[7 * 16 + k] * stored[(1 + k) * 48 + 5]);
    expect(places[8 * 48 + 5]).toBeCloseTo(
      expected.reduce((sum, value) => sum + value, 0),
      5,
    );
    expect(await placesOf(Object.values(learner.kept!).flatMap(keptEntries))).toEqual(places);
    state.destroy();
  });

  it('of another vision transformer are refused in one line', () => {
    const file = join(folder, 'large.safetensors');
    const tensor = (...shape: number[]) => ({
      ...{ dtype: 'F32', shape },
      data: new Float32Array(shape.reduce((product, size) => product * size, 1)),
    });
    const tensors = { 'patch_embed.proj.weight': tensor(1024, 3, 4, 4), pos_embed: tensor(1, 17, 1024) } as const;
    writeSafetensors(file, Object.entries(tensors) as Parameters<typeof writeSafetensors>[1], { format: 'pt' });
    expect(() => readEncoderFile(file, { normalize: 'half' })).toThrow(
      'a vision transformer that this program does not know: 1024 numbers a token, 17 places',
    );
  });

  it('of timm, without metadata: the tensors say which network, and the images’ size', () => {
    const file = join(folder, 'timm.safetensors');
    const { tensors } = readSafetensors(join(folder, 'learned.safetensors'));
    writeSafetensors(file, tensors, { format: 'pt' });
    expect(() => readEncoderFile(file)).toThrow('give --normalize');
    const { architecture, width, patch, grid, imageSize } = readEncoderFile(file, { normalize: 'half' });
    expect({ width, patch, grid, imageSize }).toEqual({ width: 0.25, patch: 4, grid: 4, imageSize: 16 });
    expect(architecture).toBe('vit_tiny');
  });
});
