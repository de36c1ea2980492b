/** From features to pictures: what autoencoders and context encoders end with. */
import type { Tensor } from '../graph/tensor.ts';
import { scope } from '../graph/trace.ts';
import { cast } from '../ops/cast.ts';
import { relu } from '../ops/relu.ts';
import { reshape } from '../ops/reshape.ts';
import { slice } from '../ops/strided_copy.ts';
import { ConvTranspose2d, Tanh, Upsample } from './decoder_layers.ts';
import { BatchNorm, Conv2d, type Conv2dOptions, Linear, ReLU, Sequential } from './layers.ts';
import { type Mode, Module } from './module.ts';

/** How a map becomes twice as large: a transposed 4×4 convolution of stride 2, or each pixel four times and a 3×3 convolution. */
export const decoderKinds = ['deconv', 'upsample'] as const;

/** Sizes of a `Decoder`. */
export interface DecoderOptions {
  /** `decoder`; its layers are `decoder.fc`, `decoder.1.conv`, … */
  readonly name: string;
  /** Numbers of a row of features. */
  readonly features: number;
  /** Height and width of the pictures, in pixels; any. */
  readonly side: number;
  /** Channels of the last map before the picture. Each smaller map has twice as many, up to 8 times as many. */
  readonly channels: number;
  readonly kind: (typeof decoderKinds)[number];
  /** Colours are of [−1, 1], by a tanh; of any size by default. */
  readonly tanh?: boolean;
  readonly seed: number;
}

/** Deviation of the last layer's first weights, DCGAN's: the first pictures are all but the mean colour. */
const outputStd = 0.02;

/**
 * Features [N, features] → pictures [N, side, side, 4] in f32, of which the fourth channel is zero while the loss asks for zeros there:
 * a linear layer makes a map of 4 to 7 pixels a side, which doublings with batch norm and ReLU between bring to the side of the picture,
 * or to the next larger one that they can make, out of whose middle the picture is cut. The last doubling gives the colours.
 */
export class Decoder extends Module {
  private readonly fc: Linear;
  private readonly norm: BatchNorm;
  private readonly blocks: Sequential;
  private readonly start: number;
  private readonly widest: number;

  constructor(private readonly options: DecoderOptions) {
    const { name, features, side, channels, kind, tanh = false, seed } = options;
    super(name);
    const doublings = Math.max(0, Math.floor(Math.log2(side / 4)));
    const widthOf = (map: number) => channels * Math.min(8, 2 ** Math.max(0, doublings - 1 - map));
    this.start = Math.ceil(side / 2 ** doublings);
    this.widest = widthOf(0);
    this.fc = this.child(new Linear(`${name}.fc`, features, this.start ** 2 * this.widest, seed, { bias: false }));
    this.norm = this.child(new BatchNorm(`${name}.norm`, this.widest));
    const layers = Array.from({ length: doublings }, (_, i) => {
      const at = `${name}.${i + 1}`;
      if (i === doublings - 1) return doubled(kind, at, widthOf(i), 4, seed, { std: outputStd, bias: true, used: 3 });
      const outputs = widthOf(i + 1);
      return [
        ...doubled(kind, at, widthOf(i), outputs, seed),
        new BatchNorm(`${at}.norm`, outputs),
        new ReLU(`${at}.relu`),
      ];
    });
    const last = { kernel: 3, padding: 1, seed, std: outputStd, bias: true, used: 3 };
    const only = doublings > 0 ? [] : [new Conv2d(`${name}.conv`, this.widest, 4, last)];
    this.blocks = this.child(
      new Sequential(name, [...layers.flat(), ...only, ...(tanh ? [new Tanh(`${name}.tanh`)] : [])]),
    );
  }

  forward(features: Tensor, mode: Mode): Tensor {
    const { start, widest, options } = this;
    const rows = this.fc.forward(features);
    return scope(this.name, () => {
      const map = cast(reshape(rows, [features.shape[0], start, start, widest]), mode.precision ?? 'f32');
      return middle(cast(this.blocks.forward(relu(this.norm.forward(map, mode)), mode), 'f32'), options.side);
    });
  }
}

function doubled(
  kind: DecoderOptions['kind'],
  name: string,
  inputs: number,
  outputs: number,
  seed: number,
  options: Partial<Conv2dOptions> = {},
): Module[] {
  if (kind === 'deconv')
    return [
      new ConvTranspose2d(`${name}.conv`, inputs, outputs, { ...options, kernel: 4, stride: 2, padding: 1, seed }),
    ];
  const conv = new Conv2d(`${name}.conv`, inputs, outputs, { ...options, kernel: 3, padding: 1, seed });
  return [new Upsample(`${name}.upsample`, 2), conv];
}

/** The middle of maps [N, H, W, C]: [N, side, side, C]. */
export function middle(x: Tensor, side: number): Tensor {
  const cut = (map: Tensor, axis: number) => {
    const first = Math.floor((map.shape[axis] - side) / 2);
    return map.shape[axis] === side ? map : slice(map, axis, first, first + side);
  };
  return cut(cut(x, 1), 2);
}
