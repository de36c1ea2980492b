import { describe, expect, it } from 'vitest';
import type { Shape, Tensor } from '../../src/graph/tensor.ts';
import { constant, input, trace } from '../../src/graph/trace.ts';
import { evenly, explained, meanColour, pictureError, psnr } from '../../src/losses/picture_error.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { type Case, noise, sample, testCases, testGradient } from '../ops/harness.ts';
import { interpret } from '../reference/interpreter.ts';

/** Colours by formula, the fourth channel zero, as pictures have it. */
const colours = (shape: Shape, seed: number): Float32Array =>
  noise(
    shape.reduce((a, b) => a * b),
    seed,
  ).map((value, i) => (i % 4 === 3 ? 0 : value));

const std = [0.229, 0.224, 0.225];

const errorCase = (shape: Shape, weighted?: Shape, dtype: 'f32' | 'f16' = 'f32'): Case => ({
  name: `picture error of [${shape}]${weighted ? ` with weights [${weighted}]` : ''} and its gradients, ${dtype}`,
  ...(dtype === 'f16' && { feature: 'shader-f16' }),
  build() {
    const [pred, target] = [sample('pred', shape, { scale: 2, dtype }), sample('target', shape, { dtype })];
    const y = pictureError(pred, target, weighted && sample('weight', weighted, { offset: 2 }));
    const [dpred, dtarget] = gradients(y, [pred, target], sample('dloss', [1], { offset: 3 }));
    return { y, dpred, dtarget };
  },
  tolerance: 3e-6,
});

testCases([
  errorCase([1, 1, 1, 4]),
  errorCase([3, 5, 7, 4]),
  errorCase([2, 33, 32, 4]),
  errorCase([3, 5, 7, 4], [1, 5, 7, 1]),
  errorCase([3, 5, 7, 4], [3, 5, 7, 1]),
  errorCase([3, 5, 7, 4], undefined, 'f16'),
  errorCase([3, 5, 7, 4], [3, 5, 7, 1], 'f16'),
  {
    name: 'what pictures are measured by',
    build() {
      const [pred, target] = [sample('pred', [3, 5, 7, 4]), sample('target', [3, 5, 7, 4])];
      const where = sample('where', [3, 5, 7, 1], { offset: 2 });
      const error = pictureError(pred, target, evenly(where));
      return {
        ...{ mean: meanColour(pred), around: meanColour(pred, where), even: evenly(where) },
        ...{ psnr: psnr(pred, target, std), within: psnr(pred, target, std, where) },
        explained: explained(error, pictureError(meanColour(pred, where), meanColour(target))),
      };
    },
  },
]);

testGradient('picture error', () => {
  const targets = [sample('pred', [2, 2, 3, 4], { seed: 2 }), sample('target', [2, 2, 3, 4], { seed: 3 })];
  const y = pictureError(targets[0], targets[1]);
  const dy = sample('dloss', [1], { offset: 3 });
  return { y, dy, targets, dx: gradients(y, targets, dy) };
});

testGradient('picture error with weights, of which it has a gradient too', () => {
  const targets = [
    ...[sample('pred', [2, 2, 3, 4], { seed: 2 }), sample('target', [2, 2, 3, 4], { seed: 3 })],
    sample('weight', [1, 2, 3, 1], { seed: 4, offset: 2 }),
  ];
  const y = pictureError(targets[0], targets[1], targets[2]);
  const dy = sample('dloss', [1], { offset: 3 });
  return { y, dy, targets, dx: gradients(y, targets, dy) };
});

/** By the reference; the numbers that formulas multiply by are f32 there too, and so 4/3 is off by 3 · 10⁻⁸. */
const values = (build: () => Tensor): number[] => {
  const { graph, result } = trace(build);
  return [...interpret(graph).get(result)!];
};
const value = (build: () => Tensor): number => values(build)[0];

const shape = [2, 3, 5, 4];
const [some, other] = [colours(shape, 6), colours(shape, 7)];
const picture = (data: Float32Array, of: Shape = shape) => constant('pictures', data, of);
/** 1 in the second and third column of the first picture, and in one pixel of the second. */
const where = Float32Array.from({ length: 30 }, (_, i) => Number(i < 15 ? i % 5 === 1 || i % 5 === 2 : i === 22));
const share = () => constant('where', where, [2, 3, 5, 1]);
const mean = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0) / numbers.length;
/** Squared errors of all colours of the pixels for which it holds. */
const squares = (holds: (pixel: number) => boolean, by: readonly number[] = [1, 1, 1]) =>
  Array.from(some).flatMap((one, i) =>
    i % 4 < 3 && holds(Math.floor(i / 4)) ? [((one - other[i]) * by[i % 4]) ** 2] : [],
  );

describe('the error of pictures', () => {
  it('is the mean over their three colours, and not over the channel that is none', () => {
    expect(value(() => pictureError(picture(some), picture(other)))).toBeCloseTo(mean(squares(() => true)), 7);
    const black = () => picture(new Float32Array(shape.reduce((a, b) => a * b)));
    const white = () => picture(Float32Array.from({ length: some.length }, (_, i) => Number(i % 4 < 3)));
    expect(value(() => pictureError(white(), black()))).toBeCloseTo(1, 7);
  });

  it('with weights is a mean over all colours still; with even ones that of where they are 1', () => {
    const all = squares(() => true);
    const within = squares((pixel) => where[pixel] === 1);
    const sum = within.reduce((a, b) => a + b);
    expect(value(() => pictureError(picture(some), picture(other), share()))).toBeCloseTo(sum / all.length, 7);
    expect(value(() => pictureError(picture(some), picture(other), evenly(share())))).toBeCloseTo(mean(within), 7);
    expect(mean(values(() => evenly(share())))).toBeCloseTo(1, 7);
  });

  it('of equal pictures is 0, and so is its gradient', () => {
    const { graph, result } = trace(() => {
      const pred = picture(some);
      const error = pictureError(pred, picture(some));
      return { error, dpred: gradients(error, [pred])[0] };
    });
    const all = interpret(graph);
    for (const tensor of [result.error, result.dpred]) expect(new Set(all.get(tensor))).toEqual(new Set([0]));
  });

  it('refuses what is no pictures, and pictures of two sizes', () => {
    const of = (size: Shape) => input(`[${size}]`, size, 'f32');
    expect(() => trace(() => pictureError(of([2, 3, 5, 3]), of([2, 3, 5, 3])))).toThrow('pictures are [N, H, W, 4]');
    expect(() => trace(() => pictureError(of([15, 4]), of([15, 4])))).toThrow('pictures are [N, H, W, 4]');
    expect(() => trace(() => pictureError(of([2, 3, 5, 4]), of([1, 3, 5, 4])))).toThrow('must have one shape');
  });
});

describe('the mean colour', () => {
  const meanOf = (image: number, channel: number, holds: (pixel: number) => boolean) => {
    const pixels = Array.from({ length: 15 }, (_, i) => 15 * image + i).filter(holds);
    return mean(pixels.map((pixel) => some[4 * pixel + channel]));
  };

  it('is of each picture by itself, of all of it or of where the share is 1', () => {
    for (const [colour, holds] of [
      [values(() => meanColour(picture(some))), () => true],
      [values(() => meanColour(picture(some), share())), (pixel: number) => where[pixel] === 1],
    ] as const)
      colour.forEach((got, i) => expect(got).toBeCloseTo(meanOf(Math.floor(i / 4), i % 4, holds), 7));
  });

  it('takes one share for all pictures', () => {
    const first = () => constant('where', where.subarray(0, 15), [1, 3, 5, 1]);
    const got = values(() => meanColour(picture(some), first()));
    got.forEach((one, i) =>
      expect(one).toBeCloseTo(
        meanOf(Math.floor(i / 4), i % 4, (pixel) => where[pixel % 15] === 1),
        7,
      ),
    );
  });
});

describe('the ratio of signal to noise', () => {
  const decibels = (error: number) => -10 * Math.log10(error);

  it('is that of colours from 0 to 1, however they are normalised', () => {
    const all = squares(() => true, std);
    expect(value(() => psnr(picture(some), picture(other), std))).toBeCloseTo(decibels(mean(all)), 5);
    const plain = [some, other].map((data) => data.map((v, i) => (i % 4 < 3 ? v * std[i % 4] : 0)));
    const same = value(() => psnr(picture(plain[0]), picture(plain[1]), [1, 1, 1]));
    expect(same).toBeCloseTo(decibels(mean(all)), 5);
  });

  it('is of all pixels together where something is 1, and of no others', () => {
    const within = squares((pixel) => where[pixel] === 1, std);
    expect(value(() => psnr(picture(some), picture(other), std, share()))).toBeCloseTo(decibels(mean(within)), 5);
    const changed = some.map((v, i) => (i % 4 < 3 && where[Math.floor(i / 4)] === 0 ? v + 5 : v));
    const [before, after] = [some, changed].map((data) =>
      value(() => psnr(picture(data), picture(other), std, share())),
    );
    expect(after).toBe(before);
  });

  it('gains 6 dB where differences are halved, and ends at 120 dB, of equal pictures', () => {
    const halfway = some.map((v, i) => (v + other[i]) / 2);
    const [once, twice] = [some, halfway].map((data) => value(() => psnr(picture(data), picture(other), std)));
    expect(twice - once).toBeCloseTo(20 * Math.log10(2), 4);
    expect(value(() => psnr(picture(some), picture(some), std))).toBeCloseTo(120, 4);
  });
});

it('explained: 1 of the picture itself, 0 of the guess, less than 0 of what is worse; finite where the guess is right', () => {
  const of = (error: number, guessed: number) =>
    value(() => explained(constant('e', Float32Array.of(error)), constant('guess', Float32Array.of(guessed))));
  expect([of(0, 0.5), of(0.5, 0.5), of(0.25, 1), of(1, 0.5)]).toEqual([1, 0, 0.75, -1]);
  expect(of(0, 0)).toBe(1);
  expect(of(0.5, 0)).toBeLessThan(-1e9);
  expect(Number.isFinite(of(0.5, 0))).toBe(true);
});
