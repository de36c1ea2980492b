/** The two networks of a DCGAN (Radford et al., 2016): the discriminator, whose trunk is an encoder, and the generator. */
import { check, type Tensor } from '../graph/tensor.ts';
import { scope } from '../graph/trace.ts';
import { cast } from '../ops/cast.ts';
import { maxPool2d } from '../ops/max_pool.ts';
import { upsampleNearest } from '../ops/rearrange.ts';
import { relu } from '../ops/relu.ts';
import { reshape } from '../ops/reshape.ts';
import { concat, pad } from '../ops/strided_copy.ts';
import { leakyRelu, tanh } from '../ops/unary.ts';
import { ConvTranspose2d } from './decoder_layers.ts';
import type { Encoder, EncoderWithMaps } from './encoder.ts';
import { BatchNorm, Conv2d, Linear } from './layers.ts';
import { inNetwork, type Mode, Module } from './module.ts';

/** Channels of the trunk's layers at width 1; each halves the height and width of its map. */
const dcganChannels = [64, 128, 256] as const;
/** All weights are drawn from N(0, 0.02²) (§3 of the paper). */
const std = 0.02;
/** Every layer's: a map of half or of twice the height and width. */
const layer = { kernel: 4, stride: 2, padding: 1 } as const;
const slope = 0.2;
/** Rows of the map at which the discriminator ends and the generator starts, at most. */
const largestEnd = 7;
/** Rows and columns to which the maps of all layers are max-pooled. */
const grid = 4;

/** Of both networks of a `Dcgan`. */
export interface DcganOptions {
  /** Multiplies the channels of every layer; 1, the default, starts with 64. */
  readonly width?: number | undefined;
  readonly seed: number;
}

/** A convolution, batch norm and leaky ReLU: a map of half the height and width. */
class Halving extends Module {
  private readonly conv: Conv2d;
  private readonly norm: BatchNorm;

  constructor(name: string, inputs: number, outputs: number, seed: number) {
    super(name);
    this.conv = this.child(new Conv2d(`${name}.conv`, inputs, outputs, { ...layer, std, seed }));
    this.norm = this.child(new BatchNorm(`${name}.bn`, outputs));
  }

  forward(x: Tensor, mode: Mode): Tensor {
    const y = this.conv.forward(x);
    return scope(this.name, () => leakyRelu(this.norm.forward(y, mode), slope));
  }
}

/**
 * The discriminator's trunk: three convolutions of 4×4 and stride 2 with leaky ReLU, all but the first with batch norm, which are the
 * layers that the paper classifies photographs of 32 pixels with (§5.1). Features are the maps of all layers, each max-pooled to 4×4,
 * flattened and side by side: 16 · 448 = 7,168 numbers at width 1, the paper's 28,672 at width 4, of images of any size from 16 pixels
 * on. f32 in any precision.
 */
export class Dcgan extends Module implements Encoder {
  readonly dimensions: number;
  readonly shape: { readonly architecture: 'dcgan'; readonly stem: 'imagenet'; readonly width: number };
  private readonly conv1: Conv2d;
  private readonly layers: readonly Halving[];

  /** @param name of the network, where a program has two of a kind: see `ResNet` */
  constructor({ width = 1, seed }: DcganOptions, name = '') {
    super(name);
    this.shape = { architecture: 'dcgan', stem: 'imagenet', width };
    const channels = dcganChannels.map((count) => count * width);
    this.conv1 = this.child(new Conv2d(inNetwork(name, 'conv1'), 3, channels[0], { ...layer, std, seed }));
    this.layers = channels
      .slice(1)
      .map((count, i) => this.child(new Halving(inNetwork(name, `layer${i + 1}`), channels[i], count, seed)));
    this.dimensions = grid * grid * channels.reduce((sum, count) => sum + count);
  }

  forward(x: Tensor, mode: Mode): Tensor {
    const rows = this.maps(x, mode).map((map) => scope('features', () => flatRows(cast(onGrid(map), 'f32'))));
    return scope('features', () => concat(rows, 1));
  }

  maps(x: Tensor, mode: Mode): readonly Tensor[] {
    const { frozenStages = 0 } = mode;
    const still = { ...mode, training: false };
    const images = scope('stem', () => cast(x, mode.precision ?? 'f32'));
    let y = scope('stem', () => leakyRelu(this.conv1.forward(images), slope));
    return [
      y,
      ...this.layers.map((halving, stage) => {
        y = halving.forward(y, stage < frozenStages ? still : mode);
        return y;
      }),
    ];
  }
}

/** Maps [N, s, s, C] of any side as [N, 4, 4, C]: the largest value of each of 4 × 4 windows, which overlap where 4 does not divide s. */
function onGrid(map: Tensor): Tensor {
  // Maps of less than 4 rows, of images of less than 32 pixels, have each pixel in several windows.
  const least = map.shape[1] < grid ? upsampleNearest(map, Math.ceil(grid / map.shape[1])) : map;
  const [, height, width] = least.shape;
  check(height === width, 'dcgan', 'images must be squares', map);
  const stride = Math.floor(height / grid);
  return height === grid ? least : maxPool2d(least, { kernel: height - (grid - 1) * stride, stride });
}

/** A map [N, h, w, C] as rows [N, h·w·C]. */
const flatRows = (map: Tensor): Tensor => reshape(map, [map.shape[0], map.size / map.shape[0]]);

/**
 * The whole discriminator: images [N, size, size, 4] in f32 → a logit of each [N, 1] in f32, above 0 for what it takes for a photograph.
 * Behind the trunk further layers halve the map until it has at most 7 rows (none for 32 pixels, one for 64 and 96), and a linear one
 * ends it.
 */
export class DcganDiscriminator extends Module {
  private readonly trunk: Module & EncoderWithMaps;
  private readonly layers: readonly Halving[];
  private readonly linear: Linear;

  /**
   * @param size height and width of images in pixels, 8 at least
   * @param trunk a `Dcgan` of that width, where it is an encoder too; by default one of its own, `name/conv1`, …
   */
  constructor(
    name: string,
    { width = 1, seed, size }: DcganOptions & { readonly size: number },
    trunk: Module & EncoderWithMaps = new Dcgan({ width, seed }, name),
  ) {
    super(name);
    this.trunk = this.child(trunk);
    let side = Math.floor(size / 2 ** dcganChannels.length);
    let channels = dcganChannels[dcganChannels.length - 1] * width;
    const layers: Halving[] = [];
    for (; side > largestEnd; side = Math.floor(side / 2), channels *= 2)
      layers.push(this.child(new Halving(`${name}.layer${layers.length}`, channels, 2 * channels, seed)));
    this.layers = layers;
    this.linear = this.child(new Linear(`${name}.linear`, side * side * channels, 1, seed, { std }));
  }

  forward(images: Tensor, mode: Mode): Tensor {
    const map = this.trunk.maps(images, mode).at(-1)!;
    const last = this.layers.reduce((x, halving) => halving.forward(x, mode), map);
    return this.linear.forward(scope(this.name, () => flatRows(cast(last, 'f32'))));
  }
}

/** Height and width of the generator's first map, and how often it is doubled until it is an image of so many pixels: 4 and 3 of 32. */
export function generatorSteps(size: number): { readonly first: number; readonly doublings: number } {
  let [first, doublings] = [size, 0];
  while (first % 2 === 0 && first > largestEnd) [first, doublings] = [first / 2, doublings + 1];
  return { first, doublings };
}

/** Sizes of a `DcganGenerator`. */
export interface GeneratorOptions extends DcganOptions {
  /** Numbers that an image is made from. */
  readonly latentDim: number;
  /** Height and width of images in pixels, an even number of 16 or more; multiples of 8 have a small first map. */
  readonly size: number;
}

/**
 * Noise z [N, latentDim] → images [N, size, size, 4] in −1 … 1 (the fourth channel zero), f32: a linear layer to a small map of many
 * channels, then transposed convolutions that double height and width and halve the channels, between them batch norm and ReLU, and
 * tanh behind the last.
 */
export class DcganGenerator extends Module {
  private readonly project: Linear;
  private readonly norms: readonly BatchNorm[];
  private readonly layers: readonly ConvTranspose2d[];
  private readonly first: readonly [side: number, channels: number];

  constructor(name: string, { latentDim, size, width = 1, seed }: GeneratorOptions) {
    super(name);
    const { first, doublings } = generatorSteps(size);
    const channels = Array.from({ length: doublings }, (_, i) => dcganChannels[0] * width * 2 ** (doublings - 1 - i));
    this.first = [first, channels[0]];
    this.project = this.child(
      new Linear(`${name}.project`, latentDim, first * first * channels[0], seed, { bias: false, std }),
    );
    this.norms = channels.map((count, i) => this.child(new BatchNorm(`${name}.bn${i}`, count)));
    this.layers = channels.map((count, i) =>
      this.child(new ConvTranspose2d(`${name}.conv${i}`, count, channels[i + 1] ?? 3, { ...layer, std, seed })),
    );
  }

  forward(z: Tensor, mode: Mode): Tensor {
    const [side, channels] = this.first;
    const rows = this.project.forward(z);
    let y = scope(this.name, () => cast(reshape(rows, [z.shape[0], side, side, channels]), mode.precision ?? 'f32'));
    for (const [i, conv] of this.layers.entries()) {
      const x = scope(this.name, () => relu(this.norms[i].forward(y, mode)));
      y = conv.forward(x);
    }
    return scope(this.name, () =>
      pad(cast(tanh(y), 'f32'), [
        [0, 0],
        [0, 0],
        [0, 0],
        [0, 1],
      ]),
    );
  }
}
