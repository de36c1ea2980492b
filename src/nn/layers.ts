import type { Tensor } from '../graph/tensor.ts';
import { constant, scope } from '../graph/trace.ts';
import { add } from '../ops/add.ts';
import { batchNorm, batchNormInference } from '../ops/batch_norm.ts';
import { cast } from '../ops/cast.ts';
import { conv2d } from '../ops/conv2d.ts';
import { f16Weight } from '../ops/f16_copy.ts';
import { linear } from '../ops/linear.ts';
import { relu } from '../ops/relu.ts';
import { gelu } from '../ops/unary.ts';
import { normal, uniform } from './init.ts';
import { type Mode, Module } from './module.ts';

const ones = (size: number) => () => new Float32Array(size).fill(1);
const zeros = (size: number) => () => new Float32Array(size);

export interface Conv2dOptions {
  readonly kernel: number;
  readonly stride?: number;
  readonly padding?: number;
  readonly seed: number;
  /** Deviation of the weights' first values; by default He's, √(2 / (k²·out)). */
  readonly std?: number;
  /** With a bias, at first zero; none by default. */
  readonly bias?: boolean;
  /**
   * Output channels that mean something, all by default: the weights of those behind them are zero, and stay zero where a loss asks
   * for zeros in them. Pictures have 3 colours in 4 channels.
   */
  readonly used?: number;
}

/**
 * Convolution, NHWC, by default without bias. Weights N(0, 2 / (k²·out)): He's initialisation by fan-out, as torchvision's ResNets have it.
 * The input has `inChannels` rounded up to a multiple of 4 channels; the weights of the added ones are zero and stay zero. An
 * input of f16 meets the weights' copy of f16.
 */
export class Conv2d extends Module {
  readonly weight: Tensor;
  private readonly bias: Tensor | undefined;

  constructor(
    name: string,
    inChannels: number,
    outChannels: number,
    private readonly options: Conv2dOptions,
  ) {
    super(name);
    const { kernel, seed, std = Math.sqrt(2 / (kernel * kernel * outChannels)), used = outChannels } = options;
    const padded = Math.ceil(inChannels / 4) * 4;
    const length = kernel * kernel * padded;
    const init = (full: string) =>
      normal(seed, full, outChannels * length, std).map((value, i) =>
        i % padded < inChannels && i < used * length ? value : 0,
      );
    this.weight = this.parameter('weight', [outChannels, kernel, kernel, padded], init, [
      outChannels,
      inChannels,
      kernel,
      kernel,
    ]);
    if (options.bias) this.bias = this.parameter('bias', [outChannels], zeros(outChannels));
  }

  /** x [N, H, W, I] → [N, H′, W′, O] */
  forward(x: Tensor): Tensor {
    const { stride = 1, padding = 0 } = this.options;
    return scope(this.name, () => {
      const weight = x.dtype === 'f16' ? f16Weight(this.weight) : this.weight;
      return withBias(conv2d(x, weight, { stride, padding }), this.bias);
    });
  }
}

/** Adds a bias to each pixel, in the type of the map. */
export const withBias = (y: Tensor, bias: Tensor | undefined): Tensor =>
  bias ? add(y, y.dtype === 'f16' ? cast(bias, 'f16') : bias) : y;

/** The share of a step's statistics in the running ones. */
const momentum = 0.1;

export interface BatchNormOptions {
  /** False: neither a weight nor a bias. */
  readonly affine?: boolean;
  /** False: no bias; as `affine` by default. */
  readonly bias?: boolean;
}

/** Batch normalisation over all axes but the last; eps 1e-5, momentum 0.1. Works on NHWC maps and on rows. */
export class BatchNorm extends Module {
  private readonly weight: Tensor;
  private readonly bias: Tensor;
  private readonly runningMean: Tensor;
  private readonly runningVar: Tensor;

  constructor(name: string, channels: number, { affine = true, bias = affine }: BatchNormOptions = {}) {
    super(name);
    this.weight = affine
      ? this.parameter('weight', [channels], ones(channels))
      : constant('weight of 1', ones(channels)());
    this.bias = bias ? this.parameter('bias', [channels], zeros(channels)) : constant('bias of 0', zeros(channels)());
    this.runningMean = this.buffer('running_mean', [channels], zeros(channels));
    this.runningVar = this.buffer('running_var', [channels], ones(channels));
  }

  /** x [N, …, C] → the same shape */
  forward(
    x: Tensor,
    { training, batchShare = 1, batchSplits: parts = 1, batchNormProcesses: processes = 1 }: Mode,
  ): Tensor {
    const { weight, bias, runningMean, runningVar } = this;
    const tensors = { weight, bias, runningMean, runningVar };
    // k batches of 1/k of a step each keep (1 − momentum) of what was there before the step, as one batch does.
    const shared = batchShare === 1 ? momentum : 1 - (1 - momentum) ** batchShare;
    return scope(this.name, () =>
      training ? batchNorm(x, { ...tensors, momentum: shared, parts, processes }) : batchNormInference(x, tensors),
    );
  }
}

/** Of a `Linear`; a bias, and PyTorch's first values, by default. */
export interface LinearOptions {
  readonly bias?: boolean;
  /** First values of the weight are N(0, std²), of the bias zero. */
  readonly std?: number;
}

/**
 * y = x Wᵀ + b, or without b, f32; weight and bias U(±1/√in), PyTorch's default, unless a deviation is given. Rows of f16 meet the
 * weight's copy of f16.
 */
export class Linear extends Module {
  private readonly weight: Tensor;
  private readonly bias: Tensor | undefined;

  constructor(
    name: string,
    inFeatures: number,
    outFeatures: number,
    seed: number,
    { bias = true, std }: LinearOptions = {},
  ) {
    super(name);
    const bound = 1 / Math.sqrt(inFeatures);
    this.weight = this.parameter('weight', [outFeatures, inFeatures], (full) => {
      const size = outFeatures * inFeatures;
      return std === undefined ? uniform(seed, full, size, bound) : normal(seed, full, size, std);
    });
    const firstBias = (full: string) => uniform(seed, full, outFeatures, bound);
    if (bias) this.bias = this.parameter('bias', [outFeatures], std === undefined ? firstBias : zeros(outFeatures));
  }

  /** x [N, inputs] → [N, outputs] */
  forward(x: Tensor): Tensor {
    return scope(this.name, () => linear(x, x.dtype === 'f16' ? f16Weight(this.weight) : this.weight, this.bias));
  }
}

/** max(x, 0) as a module, so that it counts in a `Sequential`'s numbering. */
export class ReLU extends Module {
  /** Any shape. */
  forward(x: Tensor): Tensor {
    return scope(this.name, () => relu(x));
  }
}

/** x · Φ(x) as a module. */
export class Gelu extends Module {
  /** Any shape. */
  forward(x: Tensor): Tensor {
    return scope(this.name, () => gelu(x));
  }
}

/** Modules one after another. */
export class Sequential extends Module {
  private readonly modules: readonly Module[];

  constructor(name: string, modules: readonly Module[]) {
    super(name);
    this.modules = modules.map((module) => this.child(module));
  }

  /** One layer after another. */
  forward(x: Tensor, mode: Mode): Tensor {
    return this.modules.reduce((value, module) => module.forward(value, mode), x);
  }
}
