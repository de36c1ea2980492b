import type { Sequential } from './layers.ts';
import { mlp } from './mlp.ts';

export interface ProjectionHeadOptions {
  /** Linear layers: 1 is a linear projection, 2 has one hidden layer (SimCLR), 3 two (SimCLR v2). */
  readonly depth: number;
  /** Units of a hidden layer. */
  readonly width: number;
  /** Batch norm after each hidden linear layer; without by default. */
  readonly batchNorm?: boolean;
  /** Batch norm after the last one too, without a bias, which that layer has not either (SimCLR v2). */
  readonly outputBatchNorm?: boolean;
  readonly outputs: number;
  readonly inputs: number;
  readonly seed: number;
  /** Of the network, where a program has two of a kind: see `ResNet`. */
  readonly network?: string;
}

/** SimCLR's projection g(h): linear layers with ReLU between, under the names of a `Sequential` called `fc`. */
export function projectionHead({
  depth,
  width,
  batchNorm,
  outputBatchNorm,
  ...options
}: ProjectionHeadOptions): Sequential {
  const { inputs, outputs, seed, network = '' } = options;
  const widths = [inputs, ...new Array<number>(depth - 1).fill(width), outputs];
  const norms = outputBatchNorm ? 'output-scale' : batchNorm ? 'hidden' : 'none';
  return mlp({ name: 'fc', widths, batchNorm: norms, outputBias: !outputBatchNorm, seed, network });
}
