import type { Tensor } from '../graph/tensor.ts';
import { scope } from '../graph/trace.ts';
import { conv1d } from '../ops/conv1d.ts';
import { f16Weight } from '../ops/f16_copy.ts';
import { normal } from './init.ts';
import { withBias } from './layers.ts';
import { Module } from './module.ts';

/** Of a `Conv1d`, in frames: as `torch.nn.Conv1d`, stride 1 and padding 0 by default. */
export interface Conv1dOptions {
  readonly kernel: number;
  readonly stride?: number;
  readonly padding?: number;
  readonly seed: number;
}

/**
 * 1-D convolution with bias, [N, T, in] → [N, T', out], under the names and shapes of `torch.nn.Conv1d`: weight [out, in, k], bias [out]. Weights
 * are N(0, 2 / (k·in)), He's initialisation by fan-in, so that layers of ReLU without normalisation keep the variance; biases 0. An
 * input of f16 meets the weights' copy of f16.
 */
export class Conv1d extends Module {
  private readonly weight: Tensor;
  private readonly bias: Tensor;

  constructor(
    name: string,
    inChannels: number,
    outChannels: number,
    private readonly options: Conv1dOptions,
  ) {
    super(name);
    const { kernel, seed } = options;
    const inputs = kernel * inChannels;
    this.weight = this.parameter(
      'weight',
      [outChannels, 1, kernel, inChannels],
      (full) => normal(seed, full, outChannels * inputs, Math.sqrt(2 / inputs)),
      [outChannels, inChannels, kernel],
    );
    this.bias = this.parameter('bias', [outChannels], () => new Float32Array(outChannels));
  }

  forward(x: Tensor): Tensor {
    const { stride = 1, padding = 0 } = this.options;
    return scope(this.name, () => {
      const weight = x.dtype === 'f16' ? f16Weight(this.weight) : this.weight;
      return withBias(conv1d(x, weight, { stride, padding }), this.bias);
    });
  }
}
