import type { Tensor } from '../graph/tensor.ts';
import { scope } from '../graph/trace.ts';
import { add } from '../ops/add.ts';
import { relu } from '../ops/relu.ts';
import { BatchNorm, Conv2d, type Conv2dOptions, Sequential } from './layers.ts';
import { join, type Mode, Module } from './module.ts';
import { LayerNorm } from './transformer.ts';

/**
 * What follows a convolution. `batch`: batch norm. `layer`: layer norm over the channels of each pixel, ε 1e-6, as in ConvNeXt
 * (torchvision's `LayerNorm2d`), so that no image, and no part of one, sees another.
 */
export const norms = ['batch', 'layer'] as const;
export type Norm = (typeof norms)[number];

export const makeNorm = (norm: Norm, name: string, channels: number): Module =>
  norm === 'layer' ? new LayerNorm(name, channels) : new BatchNorm(name, channels);

/** What a block makes of maps [N, H, W, inputs]: maps [N, ⌈H/stride⌉, ⌈W/stride⌉, channels · expansion]. */
export interface BlockOptions {
  readonly inputs: number;
  /** Channels of the 3×3 convolutions. */
  readonly channels: number;
  readonly stride: number;
  readonly norm: Norm;
  readonly seed: number;
}

/** A convolution of a block's branch: with k > 1 padded, so that only the stride makes maps smaller. */
interface Convolution {
  readonly kernel: 1 | 3;
  readonly outputs: number;
  readonly stride?: number;
}

/**
 * y = relu(branch(x) + shortcut(x)). The branch is convolutions with a norm each and ReLUs between them; the shortcut is x, or where
 * shapes differ a strided 1×1 convolution with a norm (He et al., 2016, option B).
 */
abstract class ResidualBlock extends Module {
  private readonly branch: readonly Sequential[];
  private readonly downsample: Sequential | undefined;

  constructor(name: string, { inputs, stride, norm, seed }: BlockOptions, branch: readonly Convolution[]) {
    super(name);
    const widths = [inputs, ...branch.map(({ outputs }) => outputs)];
    this.branch = branch.map(({ kernel, outputs, stride: step = 1 }, i) =>
      this.normalized(norm, [`conv${i + 1}`, `bn${i + 1}`], widths[i], outputs, {
        ...{ kernel, stride: step, padding: (kernel - 1) / 2, seed },
      }),
    );
    const outputs = widths.at(-1)!;
    if (stride !== 1 || inputs !== outputs) {
      const names = ['downsample.0', 'downsample.1'] as const;
      this.downsample = this.normalized(norm, names, inputs, outputs, { kernel: 1, stride, seed });
    }
  }

  /** A convolution and its norm under their names in the block. */
  private normalized(
    kind: Norm,
    [conv, norm]: readonly [string, string],
    inputs: number,
    outputs: number,
    options: Conv2dOptions,
  ): Sequential {
    const convolution = new Conv2d(join(this.name, conv), inputs, outputs, options);
    return this.child(new Sequential(this.name, [convolution, makeNorm(kind, join(this.name, norm), outputs)]));
  }

  forward(x: Tensor, mode: Mode): Tensor {
    const hidden = this.branch
      .slice(0, -1)
      .reduce((value, layer) => scope(this.name, () => relu(layer.forward(value, mode))), x);
    const y = this.branch.at(-1)!.forward(hidden, mode);
    const shortcut = this.downsample ? this.downsample.forward(x, mode) : x;
    return scope(this.name, () => relu(add(y, shortcut)));
  }
}

/** Two 3×3 convolutions, the first one strided: the block of ResNet-18 and -34. */
export class BasicBlock extends ResidualBlock {
  static readonly expansion = 1;

  constructor(name: string, options: BlockOptions) {
    const { channels: outputs, stride } = options;
    super(name, options, [
      { kernel: 3, outputs, stride },
      { kernel: 3, outputs },
    ]);
  }
}

/**
 * 1×1 to few channels, 3×3 among them, 1×1 to four times as many: the block of ResNet-50. The 3×3 convolution has the stride, as in
 * torchvision (ResNet v1.5); He et al. (2016) gave it to the first 1×1, which drops three quarters of its input unseen.
 */
export class Bottleneck extends ResidualBlock {
  static readonly expansion = 4;

  constructor(name: string, options: BlockOptions) {
    const { channels, stride } = options;
    super(name, options, [
      { kernel: 1, outputs: channels },
      { kernel: 3, outputs: channels, stride },
      { kernel: 1, outputs: channels * Bottleneck.expansion },
    ]);
  }
}
