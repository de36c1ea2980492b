import type { Tensor } from '../graph/tensor.ts';
import { scope } from '../graph/trace.ts';
import { add } from '../ops/add.ts';
import { cast } from '../ops/cast.ts';
import { globalAvgPool } from '../ops/global_avg_pool.ts';
import { maxPool2d } from '../ops/max_pool.ts';
import { relu } from '../ops/relu.ts';
import { BatchNorm, Conv2d, Sequential } from './layers.ts';
import { join, type Mode, Module } from './module.ts';

/** y = relu(bn2(conv2(relu(bn1(conv1(x))))) + shortcut(x)), the shortcut a strided 1×1 convolution where shapes differ. */
class BasicBlock extends Module {
  private readonly conv1: Conv2d;
  private readonly bn1: BatchNorm;
  private readonly conv2: Conv2d;
  private readonly bn2: BatchNorm;
  private readonly downsample: Sequential | undefined;

  constructor(name: string, inChannels: number, channels: number, stride: number, seed: number) {
    super(name);
    const at = (suffix: string) => join(name, suffix);
    this.conv1 = this.child(new Conv2d(at('conv1'), inChannels, channels, { kernel: 3, stride, padding: 1, seed }));
    this.bn1 = this.child(new BatchNorm(at('bn1'), channels));
    this.conv2 = this.child(new Conv2d(at('conv2'), channels, channels, { kernel: 3, padding: 1, seed }));
    this.bn2 = this.child(new BatchNorm(at('bn2'), channels));
    if (stride !== 1 || inChannels !== channels) {
      const shortcut = new Conv2d(at('downsample.0'), inChannels, channels, { kernel: 1, stride, seed });
      this.downsample = this.child(
        new Sequential(at('downsample'), [shortcut, new BatchNorm(at('downsample.1'), channels)]),
      );
    }
  }

  forward(x: Tensor, mode: Mode): Tensor {
    const hidden = scope(this.name, () => relu(this.bn1.forward(this.conv1.forward(x), mode)));
    const y = this.bn2.forward(this.conv2.forward(hidden), mode);
    const shortcut = this.downsample ? this.downsample.forward(x, mode) : x;
    return scope(this.name, () => relu(add(y, shortcut)));
  }
}

export const resnetBlocks = { resnet18: [2, 2, 2, 2], resnet34: [3, 4, 6, 3] } as const;
export type Architecture = keyof typeof resnetBlocks;
export const stems = ['imagenet', 'cifar'] as const;

/** Which network a ResNet is. */
export interface ResNetShape {
  readonly architecture: Architecture;
  /** `imagenet`: 7×7 stride 2 and max pooling. `cifar`: 3×3 stride 1 without pooling, for images of 32 pixels or so. */
  readonly stem: (typeof stems)[number];
  /** Multiplies the channels of every layer, a multiple of 1/4; 1 is the published network. */
  readonly width: number;
}

export interface ResNetOptions extends Omit<ResNetShape, 'width'> {
  /** See `ResNetShape`; 1 by default. */
  readonly width?: number | undefined;
  readonly seed: number;
}

/** Of settings, of what a file says, or of options: which network they mean. */
export const shapeOf = ({ architecture, stem, width = 1 }: Omit<ResNetOptions, 'seed'>): ResNetShape => ({
  architecture,
  stem,
  width,
});

/** The same in the metadata of a file. */
export function shapeMetadata(options: Omit<ResNetOptions, 'seed'>): Record<keyof ResNetShape, string> {
  const { architecture, stem, width } = shapeOf(options);
  return { architecture, stem, width: String(width) };
}

/** Names of an encoder's tensors, under torchvision's names: all but the classifier's or the head's, and the counters of batches. */
export const isTrunk = (name: string): boolean => /^(conv1|bn1|layer\d+)\.(?!.*num_batches_tracked$)/.test(name);

/** `resnet18`, or `resnet18 of width 0.25`. */
export const describeResNet = ({ architecture, width = 1 }: Pick<ResNetOptions, 'architecture' | 'width'>): string =>
  width === 1 ? architecture : `${architecture} of width ${width}`;

/** Channels of the stem and of the first stage, at width 1; each further stage has twice as many as the one before. */
export const baseChannels = 64;

/**
 * ResNet-18 or -34 (He et al., 2016) without its classifier, under torchvision's names. Takes images [N, H, W, 4] (the fourth
 * channel zero), gives features [N, dimensions], which are f32 in any precision.
 */
export class ResNet extends Module {
  /** Features that the trunk gives, the average-pooled last map: 512 at width 1. */
  readonly dimensions: number;
  private readonly conv1: Conv2d;
  private readonly bn1: BatchNorm;
  private readonly layers: readonly Sequential[];

  constructor(private readonly options: ResNetOptions) {
    super('');
    const { architecture, stem, width, seed } = { width: 1, ...options };
    const base = baseChannels * width;
    const shape = stem === 'imagenet' ? { kernel: 7, stride: 2, padding: 3 } : { kernel: 3, stride: 1, padding: 1 };
    this.conv1 = this.child(new Conv2d('conv1', 3, base, { ...shape, seed }));
    this.bn1 = this.child(new BatchNorm('bn1', base));
    this.layers = resnetBlocks[architecture].map((blocks, index) => {
      const channels = base * 2 ** index;
      return this.child(stage(`layer${index + 1}`, index === 0 ? base : channels / 2, channels, blocks, index, seed));
    });
    this.dimensions = base * 8;
  }

  forward(x: Tensor, mode: Mode): Tensor {
    const images = scope('stem', () => cast(x, mode.precision ?? 'f32'));
    let y = scope('stem', () => relu(this.bn1.forward(this.conv1.forward(images), mode)));
    if (this.options.stem === 'imagenet') y = scope('stem', () => maxPool2d(y, { kernel: 3, stride: 2, padding: 1 }));
    for (const layer of this.layers) y = layer.forward(y, mode);
    return scope('avgpool', () => globalAvgPool(y));
  }
}

function stage(
  name: string,
  inputs: number,
  channels: number,
  blocks: number,
  index: number,
  seed: number,
): Sequential {
  const block = (i: number) =>
    i === 0
      ? new BasicBlock(`${name}.0`, inputs, channels, index === 0 ? 1 : 2, seed)
      : new BasicBlock(`${name}.${i}`, channels, channels, 1, seed);
  return new Sequential(
    name,
    Array.from({ length: blocks }, (_, i) => block(i)),
  );
}
