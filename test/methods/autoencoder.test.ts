import { beforeAll, describe, expect, it } from 'vitest';
import { residentImages } from '../../src/data/source.ts';
import { Gpu } from '../../src/gpu/device.ts';
import { State } from '../../src/graph/state.ts';
import { constant, trace } from '../../src/graph/trace.ts';
import { autoencoder } from '../../src/methods/autoencoder.ts';
import { corrupt } from '../../src/ssl/denoising.ts';
import { StepFeeds } from '../../src/ssl/feeds.ts';
import { compileTraining } from '../../src/train/learner.ts';
import { adapters } from '../ops/harness.ts';
import { interpret } from '../reference/interpreter.ts';
import { expectStepOfReference, images, testMethod, tinySettings } from './harness.ts';

testMethod(autoencoder);

let gpu: Gpu;
beforeAll(async () => {
  gpu = await Gpu.open({ adapter: adapters[0] });
  return () => gpu.destroy();
});

it.each([
  ['gaussian', 'deconv', 'half'],
  ['masking', 'upsample', 'imagenet'],
  ['salt-pepper', 'upsample', 'none'],
] as const)('with %s and %s, a step equals the float64 reference too', async (corruption, decoder, normalize) => {
  const state = new State(gpu);
  const settings = tinySettings(autoencoder, { corruption, decoder, normalize });
  const training = await compileTraining(state, residentImages(state, images), settings);
  await expectStepOfReference(state, training);
  training.step.destroy();
  state.destroy();
});

it('learns 8 images by heart', async () => {
  const state = new State(gpu);
  const few = { ...images, count: 8 };
  const given = { batchSize: 8, epochs: 60, cropMin: 1, flip: 0, lr: 3e-3, schedule: 'constant' } as const;
  const training = await compileTraining(state, residentImages(state, few), tinySettings(autoencoder, given));
  const run = (step: number) =>
    training.step
      .step(
        Uint32Array.from({ length: 8 }, (_, i) => i),
        { step, epoch: 0 },
      )
      .read();
  const first = await run(1);
  for (let step = 2; step < 60; step++) await run(step);
  const last = await run(60);
  expect(last.loss).toBeLessThan(0.15 * first.loss);
  expect(last.metrics['explained']).toBeGreaterThan(0.7);
  expect(last.metrics['psnr']).toBeGreaterThan(first.metrics['psnr'] + 8);
  training.step.destroy();
  state.destroy();
});

describe('a corruption', () => {
  const side = 32;
  const time = { seed: 1, step: 3, epoch: 0, steps: 9, perEpoch: 9, indices: Uint32Array.of(0, 1), first: 0 };
  const clean = Float32Array.from({ length: 2 * side * side * 4 }, (_, i) => (i % 4 === 3 ? 0 : 0.25));

  function corrupted(corruption: 'none' | 'gaussian' | 'masking' | 'salt-pepper', corruptionLevel: number, step = 3) {
    const feeds = new StepFeeds(2);
    const { graph, result } = trace(() => {
      const views = constant('views', clean, [2, side, side, 4]);
      return corrupt(views, feeds, { corruption, corruptionLevel, normalize: 'half' });
    });
    const fed = feeds.values({ ...time, step });
    const given = graph.nodes
      .flatMap(({ inputs }) => inputs)
      .filter(({ origin }) => origin.kind === 'input')
      .map((tensor) => [tensor, Float64Array.from(fed[tensor.name])] as const);
    return interpret(graph, new Map(given)).get(result) ?? Float64Array.from(clean);
  }
  /** Colours of each pixel. */
  const pixels = (values: ArrayLike<number>) =>
    Array.from({ length: values.length / 4 }, (_, i) => [0, 1, 2, 3].map((c) => values[4 * i + c]));

  it('of none is the views themselves', () => {
    expect(corrupted('none', 0.25)).toEqual(Float64Array.from(clean));
  });

  it('gaussian has the deviation that was asked for, of colours from 0 to 1, and none in the fourth channel', () => {
    const noise = pixels(corrupted('gaussian', 0.1)).flatMap((colours) => colours.slice(0, 3).map((c) => c - 0.25));
    const mean = noise.reduce((a, b) => a + b) / noise.length;
    expect(Math.abs(mean)).toBeLessThan(0.01);
    expect(Math.sqrt(noise.reduce((a, b) => a + b * b, 0) / noise.length)).toBeCloseTo(0.2, 2); // normalised by ½
    expect(pixels(corrupted('gaussian', 0.1)).every(([, , , fourth]) => fourth === 0)).toBe(true);
  });

  it.each([0.1, 0.6])('masking takes a share of %d of whole pixels', (level) => {
    const found = pixels(corrupted('masking', level));
    const gone = found.filter(([r]) => r === 0);
    expect(gone.length / found.length).toBeCloseTo(level, 1);
    expect(gone.every((colours) => colours.every((c) => c === 0))).toBe(true);
    for (const [r, g, b] of found.filter(([red]) => red !== 0).slice(0, 50))
      for (const colour of [r, g, b]) expect(colour).toBeCloseTo(0.25, 6);
  });

  it('salt and pepper are white and black, about as many of each', () => {
    const found = pixels(corrupted('salt-pepper', 0.3)).map(([r, g, b]) => [r, g, b].map((c) => c.toFixed(4)).join());
    const share = (colour: string) => found.filter((one) => one === colour).length / found.length;
    const [white, black, clean] = [1, -1, 0.25].map((c) => share([c, c, c].map((x) => x.toFixed(4)).join()));
    expect(white).toBeCloseTo(0.15, 1);
    expect(black).toBeCloseTo(0.15, 1);
    expect(white + black + clean).toBe(1);
  });

  it('is another in every step', () => {
    expect(corrupted('masking', 0.5, 4)).not.toEqual(corrupted('masking', 0.5, 3));
    expect(corrupted('masking', 0.5, 3)).toEqual(corrupted('masking', 0.5, 3));
  });
});

it('refuses a level of no corruption, and takes the rest', () => {
  expect(() => tinySettings(autoencoder, { corruptionLevel: 0.5 })).toThrow('--corruption-level needs --corruption');
  expect(() => tinySettings(autoencoder, { corruption: 'masking', corruptionLevel: 1 })).toThrow('--corruption-level');
  expect(tinySettings(autoencoder, { corruption: 'masking', corruptionLevel: 0.5 })).toMatchObject({
    corruption: 'masking',
  });
});
