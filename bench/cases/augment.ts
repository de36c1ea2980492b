import { normalization } from '../../src/data/preparation.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import { Program } from '../../src/graph/program.ts';
import { State } from '../../src/graph/state.ts';
import { constant, trace } from '../../src/graph/trace.ts';
import { uniform } from '../../src/nn/init.ts';
import { augment, augmentParameters } from '../../src/ops/augment.ts';
import { packedWords } from '../../src/ops/gather_images.ts';
import { augmentationConfig } from '../../src/ssl/settings.ts';
import { blurKernel, viewSeeds } from '../../src/ssl/views.ts';
import type { Item, ListItems, Request } from '../benchmark.ts';
import { GraphImplementation, traceKept } from '../graph_implementation.ts';
import { simclrSettings } from '../simclr.ts';

/**
 * SimCLR's two views of each image, from bytes on the device to normalised floats. Values to compare: `views` [2N, size, size, 4],
 * the fourth channel zero.
 */
export interface AugmentProblem {
  readonly count: number;
  /** Height and width of images and views. */
  readonly size: number;
  /** RGB, [count, size, size, 3]. */
  readonly images: Uint8Array;
  /**
   * What was drawn for each view, [2·count, 16], view r of image r mod count: top, left, height, width of the crop, flip,
   * brightness, contrast, saturation, hue, four jitter operations (1 to 4, 0 none) in their order, greyscale, sigma of the blur
   * (0 none), unused.
   */
  readonly parameters: Float32Array;
  readonly blurKernel: number;
  readonly mean: readonly [number, number, number];
  readonly std: readonly [number, number, number];
}

const settings = simclrSettings();
const augmentation = augmentationConfig(settings);
const { mean, std } = normalization(settings);

const draw = (count: number, size: number) =>
  augmentParameters(
    constant(
      'indices',
      Uint32Array.from({ length: count }, (_, i) => i),
    ),
    constant('seeds', viewSeeds(settings.seed, 0)),
    { ...augmentation, height: size, width: size },
  );

/** The parameters on the host, for peers to do the same. */
async function readParameters(gpu: Gpu, count: number, size: number): Promise<Float32Array> {
  const { graph, result: parameters } = trace(() => draw(count, size));
  const state = new State(gpu);
  const program = await Program.compile(graph, state, { parameters });
  const values = await program.run().read();
  program.destroy();
  state.destroy();
  return values.parameters as Float32Array;
}

const waves = (count: number, size: number): Uint8Array => {
  const phases = uniform(1, 'images', 3 * count, Math.PI);
  return Uint8Array.from({ length: count * size * size * 3 }, (_, i) => {
    const pixel = Math.floor(i / 3);
    const [x, y, image] = [pixel % size, Math.floor(pixel / size) % size, Math.floor(pixel / size ** 2)];
    return 128 + 127 * Math.sin(phases[3 * image + (i % 3)] + (x + (1 + (i % 3)) * y) / 5);
  });
};

function pack(images: Uint8Array, count: number, size: number): Uint32Array {
  const words = packedWords({ height: size, width: size });
  const packed = new Uint32Array(count * words);
  const bytes = new Uint8Array(packed.buffer);
  const each = size * size * 3;
  for (let i = 0; i < count; i++) bytes.set(images.subarray(i * each, (i + 1) * each), i * words * 4);
  return packed;
}

const itemOf = ({ pairs: count, imageSize: size }: Request): Item<AugmentProblem> => {
  const facts = { count, size, blurKernel: blurKernel(size), mean, std };
  const build = (images: Uint8Array) => {
    const packed = pack(images, count, size);
    const attrs = { ...facts, height: size, width: size, antialias: true };
    return { views: augment(constant('images', packed, [count, packed.length / count]), draw(count, size), attrs) };
  };
  return {
    name: 'augment two views',
    shape: `${count} images ${size}×${size}`,
    trace: () => traceKept(() => build(waves(count, size))),
    async open(gpu, options) {
      const images = waves(count, size);
      const problem = { ...facts, images, parameters: await readParameters(gpu, count, size) };
      const ours = await GraphImplementation.open(gpu, options, () => build(images));
      // A hue or a saturation of a nearly grey pixel is ill-conditioned.
      return { problem, ours, tolerance: () => 1e-3 };
    },
  };
};

const list: ListItems<AugmentProblem> = (request) => [itemOf(request)];

export default list;
