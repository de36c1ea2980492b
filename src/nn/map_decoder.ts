import type { Tensor } from '../graph/tensor.ts';
import { Upsample } from './decoder_layers.ts';
import type { EncoderShape } from './encoder_shape.ts';
import { BatchNorm, Conv2d, ReLU, Sequential } from './layers.ts';
import { type Mode, Module } from './module.ts';

/** Sizes of a `MapDecoder`. */
export interface MapDecoderOptions {
  /** Channels of the map that it starts from, of its hidden layers, and of what it gives. */
  readonly inputs: number;
  readonly width: number;
  readonly outputs: number;
  /** How often the map is made twice as high and wide; 0: as it is. */
  readonly doublings: number;
  readonly seed: number;
}

/** Doublings from a ResNet's last map to a quarter of the image's height and width: 1 with the stem for small images, 3 without. */
export const doublingsToQuarter = ({ stem }: Pick<EncoderShape, 'stem'>): number => (stem === 'cifar' ? 1 : 3);

/**
 * From the last map of an encoder to a map of predictions: a 3×3 convolution, batch norm and ReLU, before each further one the map is
 * doubled by repeating its pixels; at last a 1×1 convolution with bias. There are no connections to earlier maps: all that is predicted is
 * known to the encoder's end.
 */
export class MapDecoder extends Module {
  private readonly layers: Sequential;

  constructor(name: string, { inputs, width, outputs, doublings, seed }: MapDecoderOptions) {
    super(name);
    const block = (i: number) => [
      ...(i > 0 ? [new Upsample(`${name}.up${i}`, 2)] : []),
      new Conv2d(`${name}.conv${i}`, i === 0 ? inputs : width, width, { kernel: 3, padding: 1, seed }),
      new BatchNorm(`${name}.bn${i}`, width),
      new ReLU(`${name}.relu${i}`),
    ];
    // What is predicted begins near 0.
    const last = new Conv2d(`${name}.out`, width, outputs, { kernel: 1, seed, bias: true, std: 0.01 });
    const blocks = Array.from({ length: doublings + 1 }, (_, i) => block(i)).flat();
    this.layers = this.child(new Sequential(`${name}.layers`, [...blocks, last]));
  }

  /** Map [N, h, w, inputs] → [N, h · 2^doublings, w · 2^doublings, outputs], in the map's type. */
  forward(map: Tensor, mode: Mode): Tensor {
    return this.layers.forward(map, mode);
  }
}
