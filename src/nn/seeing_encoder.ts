/** Encoders that compute of the images that they are given what their network sees. */
import type { Tensor } from '../graph/tensor.ts';
import { scope } from '../graph/trace.ts';
import { div, maximum, sub } from '../ops/binary.ts';
import { mean } from '../ops/reduce.ts';
import { sqrt, square } from '../ops/unary.ts';
import type { Encoder, EncoderWithMaps } from './encoder.ts';
import type { EncoderShape } from './encoder_shape.ts';
import { type Mode, Module } from './module.ts';

export type MappedEncoder = Module & Encoder & EncoderWithMaps;

/** A network under its own names, in front of which images are changed. */
export abstract class SeeingEncoder extends Module implements Encoder {
  readonly dimensions: number;
  /** Where the network has it. */
  readonly classAttention?: Encoder['classAttention'];

  constructor(private readonly network: MappedEncoder) {
    super(network.name);
    this.child(network);
    this.dimensions = network.dimensions;
    if (network.classAttention) this.classAttention = (x, mode) => network.classAttention!(this.seen(x), mode);
  }

  forward(x: Tensor, mode: Mode): Tensor {
    return this.network.forward(this.seen(x), mode);
  }

  maps(x: Tensor, mode: Mode): readonly Tensor[] {
    return this.network.maps(this.seen(x), mode);
  }

  protected abstract seen(x: Tensor): Tensor;
}

/**
 * Images or parts of them [N, s, s, 4], each with mean 0 and deviation 1 of its own in each channel, so that neither brightness nor
 * contrast tells which belong together. In one of a single colour all is 0.
 */
export function standardized(x: Tensor): Tensor {
  const centred = sub(x, mean(x, [1, 2], { keepdim: true }));
  // Far below a grey level, which is 1/58 in normalised colours: only divisions by 0 are changed.
  const variance = mean(square(centred), [1, 2], { keepdim: true });
  return div(centred, sqrt(maximum(variance, 1e-6)));
}

/** A network that sees images as `standardized` makes them. */
export class StandardizedEncoder extends SeeingEncoder {
  constructor(
    readonly shape: EncoderShape,
    network: MappedEncoder,
  ) {
    super(network);
  }

  protected seen(x: Tensor): Tensor {
    return scope('standardized', () => standardized(x));
  }
}
