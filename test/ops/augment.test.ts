import { expect, it } from 'vitest';
import { Program } from '../../src/graph/program.ts';
import { State } from '../../src/graph/state.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { constant, input, trace } from '../../src/graph/trace.ts';
import {
  type AugmentOptions,
  augment,
  cropImages,
  packAugmentParameters,
  preprocess,
  type ViewParameters,
} from '../../src/ops/augment.ts';
import { gatherImages, packedWords } from '../../src/ops/gather_images.ts';
import { lowbias32 } from '../values.ts';
import { type Case, onEveryAdapter, testCases } from './harness.ts';

/** Packed images of noise; every byte occurs, and greys, blacks and whites among the pixels. */
function images(count: number, height: number, width: number): Tensor {
  const words = packedWords({ height, width });
  const packed = new Uint32Array(count * words);
  const bytes = new Uint8Array(packed.buffer);
  for (let n = 0; n < count; n++) {
    for (let i = 0; i < height * width * 3; i++) {
      const plain = lowbias32(Math.floor(i / 3) + 7 * n) % 5 === 0;
      bytes[n * words * 4 + i] = plain ? (lowbias32(Math.floor(i / 3)) % 3) * 127.5 : lowbias32(i + 1000 * n) >>> 13;
    }
  }
  return constant('images', packed, [count, words]);
}

const parameters = (rows: readonly ViewParameters[]): Tensor =>
  constant('parameters', Float32Array.from(rows.flatMap((row) => [...packAugmentParameters(row)])), [rows.length, 16]);

const plain = { mean: [0, 0, 0], std: [1, 1, 1], antialias: false, blurKernel: 9 } as const;
const imagenet = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } as const;

/** Source positions of up to 96 pixels are off by 4e-6 of a pixel in f32, and neighbours differ by all of the range. */
const tolerance = 2e-5;

function viewCase(name: string, count: number, options: AugmentOptions, rows: readonly ViewParameters[]): Case {
  const build = () => ({ views: augment(images(count, options.height, options.width), parameters(rows), options) });
  return { name, tolerance, build };
}

const whole = [0, 0, 17, 13] as const;
const small = { ...plain, height: 17, width: 13, size: 12, blurKernel: 5 };
const alone: Record<string, Omit<ViewParameters, 'crop'>> = {
  nothing: {},
  flip: { flip: true },
  'brightness down': { brightness: 0.3 },
  'brightness up': { brightness: 1.8 },
  contrast: { contrast: 0.41 },
  'contrast up': { contrast: 1.9 },
  'saturation off': { saturation: 0 },
  'saturation up': { saturation: 1.63 },
  'hue forward': { hue: 0.13 },
  'hue back': { hue: -0.5 },
  greyscale: { grayscale: true },
  solarised: { solarize: true },
  'greyscale before the jitter': { grayscale: 'first', brightness: 1.3, contrast: 0.6, saturation: 1.4, hue: 0.2 },
  blur: { sigma: 1.3 },
  'slight blur': { sigma: 0.1 },
};
const everything = { flip: true, brightness: 1.2, contrast: 0.7, saturation: 1.4, hue: 0.08, sigma: 0.9 };

testCases([
  ...Object.entries(alone).map(([name, one]) => viewCase(`${name} alone`, 1, small, [{ crop: whole, ...one }])),
  viewCase(
    'orders in which contrast comes first, between and last, two views of two images',
    2,
    { ...small, ...imagenet },
    [
      { ...everything, crop: [3, 2, 11, 9], order: ['contrast', 'hue', 'saturation', 'brightness'] },
      { ...everything, crop: [0, 0, 5, 7], order: ['brightness', 'hue', 'contrast', 'saturation'] },
      { ...everything, crop: [1, 12, 16, 1], order: ['saturation', 'brightness', 'hue', 'contrast'] },
      { ...everything, crop: [16, 0, 1, 13], order: ['hue', 'saturation', 'brightness', 'contrast'], grayscale: true },
      { ...everything, crop: whole, order: ['contrast', 'brightness'], grayscale: 'first', solarize: true },
      { ...everything, crop: whole, solarize: true },
    ],
  ),
  ...[1, 2, 7, 8, 9, 16, 31].map((size) =>
    viewCase(
      `views of ${size} pixels`,
      1,
      { ...plain, ...imagenet, height: 19, width: 23, size, blurKernel: size > 1 ? 3 : 1 },
      [
        { ...everything, crop: [2, 1, 15, 20] },
        { ...everything, crop: [0, 0, 19, 23] },
      ],
    ),
  ),
  ...[5, 11, 20, 37].map((size) =>
    viewCase(`antialiased to ${size} pixels`, 1, { ...small, height: 40, width: 33, size, antialias: true }, [
      { crop: [0, 0, 40, 33] },
      { crop: [5, 4, 31, 8], flip: true },
    ]),
  ),
  {
    name: 'images as evaluation sees them, at their size and smaller',
    tolerance,
    build: () => ({
      same: preprocess(images(3, 9, 9), { height: 9, width: 9, size: 9, ...imagenet }),
      smaller: preprocess(images(3, 21, 13), { height: 21, width: 13, size: 6, ...imagenet }),
    }),
  },
  {
    name: 'crops and flips alone',
    tolerance,
    build: () => ({
      views: cropImages(images(2, 21, 13), parameters([{ crop: [2, 1, 15, 8], flip: true }, { crop: [0, 3, 21, 5] }]), {
        height: 21,
        width: 13,
        size: 6,
        ...imagenet,
      }),
    }),
  },
  ...[
    [1, 1],
    [5, 7],
    [19, 18],
    [19, 19],
  ].map(
    ([height, width]): Case => ({
      name: `gather from three shards of images of ${height}×${width}`,
      tolerance: 0,
      build() {
        const shards = [2, 1, 4].map((count) => images(count, height, width));
        const indices = constant('indices', Uint32Array.of(6, 0, 2, 1, 3, 3, 2 ** 32 - 1), [7]);
        return { images: gatherImages(indices, shards, { height, width }) };
      },
    }),
  ),
]);

onEveryAdapter((gpu) => {
  it('an image is itself, /255, where nothing is done to it', async () => {
    const { graph, result } = trace(() => {
      const packed = input('packed', [1, packedWords({ height: 5, width: 5 })], 'u32');
      return {
        views: augment(packed, parameters([{ crop: [0, 0, 5, 5] }]), { ...plain, height: 5, width: 5, size: 5 }),
      };
    });
    const state = new State(gpu());
    const program = await Program.compile(graph, state, result);
    const bytes = Uint8Array.from({ length: 76 }, (_, i) => i * 3);
    const { views } = await program.run({ packed: new Uint32Array(bytes.buffer) }).read();
    const expected = Array.from({ length: 100 }, (_, i) =>
      i % 4 === 3 ? 0 : Math.fround(bytes[Math.floor(i / 4) * 3 + (i % 4)] / 255),
    );
    for (const [i, value] of expected.entries()) expect(Math.abs(views[i] - value)).toBeLessThanOrEqual(6e-8);
    program.destroy();
    state.destroy();
  });
});
