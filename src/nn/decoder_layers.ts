/** Layers of decoders and generators. */
import type { Tensor } from '../graph/tensor.ts';
import { scope } from '../graph/trace.ts';
import { convTranspose2d } from '../ops/conv_transpose2d.ts';
import { f16Weight } from '../ops/f16_copy.ts';
import { upsampleNearest } from '../ops/rearrange.ts';
import { tanh } from '../ops/unary.ts';
import { normal } from './init.ts';
import { type Conv2dOptions, withBias } from './layers.ts';
import { Module } from './module.ts';

/**
 * Transposed convolution, NHWC, by default without bias: kernel 4, stride 2, padding 1 makes a map twice as high and wide. Weights
 * N(0, std²), by default 2 / (k²·in / stride²) of variance: He's, by the values that each output sums.
 */
export class ConvTranspose2d extends Module {
  private readonly weight: Tensor;
  private readonly bias: Tensor | undefined;

  constructor(
    name: string,
    inChannels: number,
    outChannels: number,
    private readonly options: Conv2dOptions,
  ) {
    super(name);
    const {
      kernel,
      seed,
      stride = 1,
      std = Math.sqrt((2 * stride * stride) / (kernel * kernel * inChannels)),
      used = outChannels,
    } = options;
    const shape = [inChannels, kernel, kernel, outChannels];
    this.weight = this.parameter(
      'weight',
      shape,
      (full) =>
        normal(seed, full, inChannels * kernel * kernel * outChannels, std).map((value, i) =>
          i % outChannels < used ? value : 0,
        ),
      [inChannels, outChannels, kernel, kernel],
    );
    if (options.bias) this.bias = this.parameter('bias', [outChannels], () => new Float32Array(outChannels));
  }

  /** x [N, H, W, I] → [N, H′, W′, O] */
  forward(x: Tensor): Tensor {
    const { stride = 1, padding = 0 } = this.options;
    return scope(this.name, () => {
      const weight = x.dtype === 'f16' ? f16Weight(this.weight) : this.weight;
      return withBias(convTranspose2d(x, weight, { stride, padding }), this.bias);
    });
  }
}

/** Every pixel `factor` times in both directions. */
export class Upsample extends Module {
  constructor(
    name: string,
    private readonly factor: number,
  ) {
    super(name);
  }

  /** x [N, H, W, C] → [N, factor · H, factor · W, C] */
  forward(x: Tensor): Tensor {
    return scope(this.name, () => upsampleNearest(x, this.factor));
  }
}

/** As `torch.nn.Tanh`. */
export class Tanh extends Module {
  /** Any shape. */
  forward(x: Tensor): Tensor {
    return scope(this.name, () => tanh(x));
  }
}
