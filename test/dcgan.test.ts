/** The networks of a DCGAN: names, shapes, first values, features of images of any size. */
import { describe, expect, it } from 'vitest';
import { elements } from '../src/graph/tensor.ts';
import { constant, trace } from '../src/graph/trace.ts';
import { Dcgan, DcganDiscriminator, DcganGenerator, generatorSteps } from '../src/nn/dcgan.ts';
import { isTrunk, shapeOf } from '../src/nn/encoder_shape.ts';
import { makeEncoder } from '../src/nn/encoders.ts';
import { noise } from './ops/harness.ts';
import { interpret } from './reference/interpreter.ts';

const pictures = (size: number, count = 2) =>
  constant('pictures', noise(count * size * size * 4, 3), [count, size, size, 4]);

const named = ({ parameters }: Pick<Dcgan, 'parameters'>) =>
  parameters.map(({ tensor, torchShape }) => `${tensor.name} ${torchShape.join('×')}`);

describe('the trunk', () => {
  it('is reached as an architecture, with names of an encoder, and has 28,672 features at the width of the paper', () => {
    const encoder = makeEncoder({ architecture: 'dcgan', stem: 'cifar', width: 1, seed: 1 });
    expect(named(encoder)).toEqual([
      'conv1.weight 64×3×4×4',
      ...['layer1.conv.weight 128×64×4×4', 'layer1.bn.weight 128', 'layer1.bn.bias 128'],
      ...['layer2.conv.weight 256×128×4×4', 'layer2.bn.weight 256', 'layer2.bn.bias 256'],
    ]);
    const { parameters, buffers, dimensions, shape } = encoder;
    expect([...parameters, ...buffers].filter(({ tensor }) => !isTrunk(tensor.name))).toEqual([]);
    expect([dimensions, makeEncoder({ ...shape, width: 4, seed: 1 }).dimensions]).toEqual([7_168, 28_672]);
  });

  it('has one shape, whatever stem is asked for', () => {
    const [one, other] = (['cifar', 'imagenet'] as const).map((stem) => shapeOf({ architecture: 'dcgan', stem }));
    expect(one).toEqual(other);
    expect(makeEncoder({ ...one, seed: 1 }).shape).toEqual(one);
  });

  it.each([16, 24, 32, 40, 57, 96])(
    'gives as many features of %d pixels, in inference and in training mode',
    (size) => {
      const encoder = new Dcgan({ width: 0.25, seed: 1 });
      for (const training of [false, true]) {
        const { result } = trace(() => encoder.forward(pictures(size), { training }));
        expect([result.shape, result.dtype]).toEqual([[2, 1_792], 'f32']);
      }
      const { result } = trace(() => ({ maps: encoder.maps(pictures(size), { training: true }) }));
      const sides = result.maps.map(({ shape }) => shape[1]);
      expect(sides).toEqual([2, 4, 8].map((factor) => Math.floor(size / factor)));
    },
  );

  it.each([0, 1, 2])(
    'with %d stages frozen, the batch norms of the others alone have statistics of the batch',
    (frozenStages) => {
      const encoder = new Dcgan({ width: 0.25, seed: 1 });
      const { graph } = trace(() => encoder.forward(pictures(32), { training: true, frozenStages }));
      const norms = graph.nodes.filter(({ op }) => op.name.startsWith('batch_norm'));
      expect(norms.map(({ attrs }) => !(attrs as { training: boolean }).training)).toEqual([
        frozenStages > 0,
        frozenStages > 1,
      ]);
    },
  );

  it('features are the largest values of 4 × 4 windows of the maps', () => {
    const encoder = new Dcgan({ width: 0.25, seed: 1 });
    const { graph, result } = trace(() => ({
      features: encoder.forward(pictures(24), { training: true }),
      maps: encoder.maps(pictures(24), { training: true }),
    }));
    const values = interpret(graph);
    const { features, maps } = result;
    const wanted: number[] = [];
    // 24 pixels: maps of 12, in windows of 3; of 6, in windows of 3 that overlap; of 3, each pixel twice and windows of 3.
    for (const [map, repeat, window, stride] of [
      [maps[0], 1, 3, 3],
      [maps[1], 1, 3, 1],
      [maps[2], 2, 3, 1],
    ] as const) {
      const [, side, , channels] = map.shape;
      const at = (row: number, column: number, c: number) =>
        values.get(map)![(Math.floor(row / repeat) * side + Math.floor(column / repeat)) * channels + c];
      for (let cell = 0; cell < 16; cell++)
        for (let c = 0; c < channels; c++) {
          const [top, left] = [Math.floor(cell / 4) * stride, (cell % 4) * stride];
          const inside = Array.from({ length: window * window }, (_, i) =>
            at(top + Math.floor(i / window), left + (i % window), c),
          );
          wanted.push(Math.max(...inside));
        }
    }
    expect(Array.from(values.get(features)!.subarray(0, features.shape[1]))).toEqual(wanted);
  });
});

describe('the rest', () => {
  it.each([
    [16, 4, 2, 0],
    [32, 4, 3, 0],
    [48, 6, 3, 0],
    [64, 4, 4, 1],
    [96, 6, 4, 1],
    [104, 13, 3, 1],
    [128, 4, 5, 2],
  ])('of %d pixels: G doubles %d rows %d times, D has %d layers behind the trunk', (size, first, doublings, more) => {
    expect(generatorSteps(size)).toEqual({ first, doublings });
    const generator = new DcganGenerator('g', { size, width: 0.25, seed: 1, latentDim: 5 });
    const discriminator = new DcganDiscriminator('d', { size, width: 0.25, seed: 1 });
    expect(discriminator.buffers).toHaveLength(2 * (2 + more));
    const { result } = trace(() => {
      const made = generator.forward(constant('z', noise(10, 1), [2, 5]), { training: true });
      return { made, logit: discriminator.forward(made, { training: true }) };
    });
    expect([result.made.shape, result.logit.shape]).toEqual([
      [2, size, size, 4],
      [2, 1],
    ]);
  });

  it.each([8, 12, 16, 28, 48])('of %d pixels, the hole of a context encoder, D has a logit for each', (size) => {
    const discriminator = new DcganDiscriminator('d', { size, width: 0.25, seed: 1 });
    const { graph, result } = trace(() => discriminator.forward(pictures(size, 3), { training: true }));
    expect([result.shape, result.dtype]).toEqual([[3, 1], 'f32']);
    expect(new Set(interpret(graph).get(result)!).size).toBe(3);
  });

  it('D has a trunk of its own, whose names are of no encoder, or an encoder for one; but for names they are the same', () => {
    const options = { size: 64, width: 0.25, seed: 1 };
    const encoder = new Dcgan(options);
    const [own, shared] = [new DcganDiscriminator('d', options), new DcganDiscriminator('d', options, encoder)];
    const rest = ['d.layer0.conv.weight 128×64×4×4', 'd.layer0.bn.weight 128', 'd.layer0.bn.bias 128'];
    const last = ['d.linear.weight 1×2048', 'd.linear.bias 1'];
    expect(named(shared)).toEqual([...named(encoder), ...rest, ...last]);
    expect(named(own)).toEqual([...named(encoder).map((name) => `d/${name}`), ...rest, ...last]);
    expect(own.parameters.filter(({ tensor }) => isTrunk(tensor.name))).toEqual([]);
    const logits = [own, shared].map((d) => {
      const { graph, result } = trace(() => d.forward(pictures(64), { training: true }));
      return interpret(graph).get(result)!;
    });
    expect(logits[0]).toEqual(logits[1]);
  });

  it('images are within −1 … 1, their fourth channel is zero', () => {
    const generator = new DcganGenerator('g', { size: 16, width: 0.25, seed: 1, latentDim: 100 });
    const { graph, result } = trace(() =>
      generator.forward(constant('z', noise(300, 1, 50), [3, 100]), { training: true }),
    );
    const values = Array.from(interpret(graph).get(result)!);
    expect(values.filter((_, i) => i % 4 === 3).every((value) => value === 0)).toBe(true);
    expect(Math.max(...values.map(Math.abs))).toBeLessThanOrEqual(1);
    expect(new Set(values).size).toBeGreaterThan(2000);
  });

  it('all weights are drawn from N(0, 0.02²), biases of the last layer and batch norms are 0 and 1', () => {
    const modules = [
      new Dcgan({ width: 0.5, seed: 1 }),
      new DcganDiscriminator('d', { size: 64, width: 0.5, seed: 1 }),
      new DcganGenerator('g', { size: 32, width: 0.5, seed: 1, latentDim: 100 }),
    ];
    for (const { tensor, torchShape } of modules.flatMap(({ parameters }) => parameters)) {
      const values = (tensor.origin.kind === 'variable' && tensor.origin.init?.()) as Float32Array;
      if (torchShape.length === 1) {
        expect(new Set(values), tensor.name).toEqual(new Set([tensor.name.endsWith('weight') ? 1 : 0]));
        continue;
      }
      const size = elements(torchShape);
      const drawn = values.filter((value) => value !== 0);
      expect(drawn, tensor.name).toHaveLength(size);
      const std = Math.sqrt(drawn.reduce((sum, value) => sum + value * value, 0) / size);
      expect(Math.abs(std / 0.02 - 1), tensor.name).toBeLessThan(4 / Math.sqrt(2 * size));
    }
  });
});
