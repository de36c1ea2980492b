import type { Tensor } from '../graph/tensor.ts';
import { scope } from '../graph/trace.ts';
import { div, maximum, sub } from '../ops/binary.ts';
import { cast } from '../ops/cast.ts';
import { mean } from '../ops/reduce.ts';
import { relu } from '../ops/relu.ts';
import { sqrt, square } from '../ops/unary.ts';
import { Conv1d } from './conv1d.ts';
import { type Mode, Module } from './module.ts';

/** Sizes of a `Conv1dEncoder`. */
export interface Conv1dEncoderOptions {
  /** Numbers of a frame. */
  readonly channels: number;
  /** Of the layers, each 2 or more. */
  readonly strides: readonly number[];
  /** Numbers that each layer gives. */
  readonly outputs: number;
  readonly seed: number;
}

/** Of a layer: a sequence whose length is a multiple of the stride becomes shorter by just that factor. */
const paddingOf = (stride: number): number => Math.ceil(stride / 2);

/** Codes that so many frames give. */
export const codesOf = (frames: number, strides: readonly number[]): number =>
  strides.reduce((steps, stride) => Math.floor((steps + 2 * paddingOf(stride) - 2 * stride) / stride) + 1, frames);

/**
 * The encoder of sequences of contrastive predictive coding (van den Oord et al., 2018, §3.1): strided convolutions with ReLU, each twice as
 * wide as its stride; a code for every 160 frames with the paper's strides 5, 4, 2, 2, 2. Each sequence is brought to mean 0 and
 * deviation 1 in each channel before, so that neither loudness nor unit matters (as in wav2vec 2.0; the paper takes samples as they are).
 */
export class Conv1dEncoder extends Module {
  private readonly layers: readonly Conv1d[];

  constructor({ channels, strides, outputs, seed }: Conv1dEncoderOptions) {
    super('');
    this.layers = strides.map((stride, i) => {
      const options = { kernel: 2 * stride, stride, padding: paddingOf(stride), seed };
      return this.child(new Conv1d(`conv${i + 1}`, i === 0 ? channels : outputs, outputs, options));
    });
  }

  /** Sequences [N, T, channels] → codes [N, steps, outputs], f32 in any precision. */
  forward(x: Tensor, { precision = 'f32' }: Mode): Tensor {
    const seen = scope('standardized', () => cast(standardizedSequences(x), precision));
    const codes = this.layers.reduce((y, layer) => relu(layer.forward(y)), seen);
    return cast(codes, 'f32');
  }
}

/** Sequences [N, T, C] with mean 0 and deviation 1 in each channel; one that never changes is 0. */
export function standardizedSequences(x: Tensor): Tensor {
  const centred = sub(x, mean(x, 1, { keepdim: true }));
  return div(centred, sqrt(maximum(mean(square(centred), 1, { keepdim: true }), 1e-12)));
}
