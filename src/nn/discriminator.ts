import type { Tensor } from '../graph/tensor.ts';
import { scope } from '../graph/trace.ts';
import { cast } from '../ops/cast.ts';
import { reshape } from '../ops/reshape.ts';
import { LeakyReLU } from './decoder_layers.ts';
import { BatchNorm, Conv2d, Sequential } from './layers.ts';
import { type Mode, Module } from './module.ts';

export interface DiscriminatorOptions {
  readonly name: string;
  /** Height and width of the pictures, in pixels; any. */
  readonly side: number;
  /** Channels of the first map; each smaller one has twice as many, up to 8 times as many. */
  readonly channels: number;
  readonly seed: number;
}

/** Of the first weights: DCGAN's. */
const std = 0.02;

/**
 * DCGAN's discriminator (Radford et al., 2016) for pictures of any size: [N, side, side, 4] in f32 → logits [N] in f32, above 0 for what it
 * takes for real. 4×4 convolutions of stride 2 with batch norm, but none behind the first, and leaky ReLU of slope 0.2 make maps of less
 * than 8 pixels a side, which one last convolution as large as the map sums up.
 */
export class Discriminator extends Module {
  private readonly layers: Sequential;

  constructor({ name, side, channels, seed }: DiscriminatorOptions) {
    super(name);
    const modules: Module[] = [];
    let inputs = 3;
    let map = side;
    for (let i = 1; i === 1 || map >= 8; i++) {
      const outputs = channels * Math.min(8, 2 ** (i - 1));
      modules.push(new Conv2d(`${name}.${i}.conv`, inputs, outputs, { kernel: 4, stride: 2, padding: 1, std, seed }));
      if (i > 1) modules.push(new BatchNorm(`${name}.${i}.norm`, outputs));
      modules.push(new LeakyReLU(`${name}.${i}.relu`));
      inputs = outputs;
      map = Math.floor(map / 2);
    }
    modules.push(new Conv2d(`${name}.last`, inputs, 1, { kernel: map, std, seed, bias: true }));
    this.layers = this.child(new Sequential(name, modules));
  }

  forward(pictures: Tensor, mode: Mode): Tensor {
    return scope(this.name, () => {
      const logits = this.layers.forward(cast(pictures, mode.precision ?? 'f32'), mode);
      return cast(reshape(logits, [pictures.shape[0]]), 'f32');
    });
  }
}
