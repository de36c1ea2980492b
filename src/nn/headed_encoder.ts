import type { Tensor } from '../graph/tensor.ts';
import type { Encoder } from './encoder.ts';
import type { Sequential } from './layers.ts';
import { type MlpOptions, mlp } from './mlp.ts';
import { type Mode, Module } from './module.ts';

/** Hidden layers of a projection head: linear, batch norm where there is one, activation. */
export interface HeadShape {
  /** Numbers of a row behind each layer. */
  readonly widths: readonly number[];
  readonly batchNorm: boolean;
  /** Of the linear layers. */
  readonly bias: boolean;
  readonly activation: NonNullable<MlpOptions['activation']>;
}

/** What these layers are called behind an encoder, whatever the method called its head: `head.0.weight`. */
export const keptHead = 'head';

/**
 * An encoder and the first layers of the projection head that it was pre-trained with, an encoder like any other: SimCLR v2 fine-tunes
 * from σ(W¹ f(x)) instead of f(x) (Chen et al., 2020, arXiv 2006.10029, §3). Features are f32 in any precision.
 */
export class HeadedEncoder extends Module implements Encoder {
  readonly dimensions: number;
  private readonly trunk: Module & Encoder;
  private readonly head: Sequential;

  constructor(trunk: Module & Encoder, { widths, batchNorm, bias, activation }: HeadShape, seed: number) {
    super('');
    this.trunk = this.child(trunk);
    const layers = mlp({
      ...{ name: keptHead, widths: [this.trunk.dimensions, ...widths], outputLayer: false, seed },
      ...{ batchNorm: batchNorm ? 'hidden' : 'none', hiddenBias: bias, activation },
    });
    this.head = this.child(layers);
    this.dimensions = widths[widths.length - 1];
  }

  forward(x: Tensor, mode: Mode): Tensor {
    return this.head.forward(this.trunk.forward(x, mode), mode);
  }
}
