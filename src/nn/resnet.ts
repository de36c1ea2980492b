import type { Tensor } from '../graph/tensor.ts';
import { scope } from '../graph/trace.ts';
import { cast } from '../ops/cast.ts';
import { globalAvgPool } from '../ops/global_avg_pool.ts';
import { maxPool2d } from '../ops/max_pool.ts';
import { relu } from '../ops/relu.ts';
import type { Encoder } from './encoder.ts';
import { Conv2d, Sequential } from './layers.ts';
import { inNetwork, type Mode, Module } from './module.ts';
import { BasicBlock, Bottleneck, makeNorm, type Norm } from './resnet_blocks.ts';

/** The networks (He et al., 2016, table 1): their kind of block, and how many of them each stage has. */
export const resnets = {
  resnet18: { Block: BasicBlock, blocks: [2, 2, 2, 2] },
  resnet34: { Block: BasicBlock, blocks: [3, 4, 6, 3] },
  resnet50: { Block: Bottleneck, blocks: [3, 4, 6, 3] },
} as const;
export type ResNetName = keyof typeof resnets;
export const resnetNames = Object.keys(resnets) as readonly ResNetName[];
export const stems = ['imagenet', 'cifar'] as const;

/** Which `ResNet`. */
export interface ResNetOptions {
  readonly architecture: ResNetName;
  /** `imagenet`: 7×7 stride 2 and max pooling. `cifar`: 3×3 stride 1 without pooling, for images of 32 pixels or so. */
  readonly stem: (typeof stems)[number];
  /** Multiplies the channels of every layer, a multiple of 1/4; 1, the default, is the published network. */
  readonly width?: number | undefined;
  /** `batch` by default. */
  readonly norm?: Norm | undefined;
  readonly seed: number;
}

/** Channels of the stem and of the first stage, at width 1; each further stage has twice as many as the one before. */
export const baseChannels = 64;

/**
 * ResNet-18, -34 or -50 (He et al., 2016) without its classifier, under torchvision's names. Takes images [N, H, W, 4] (the fourth
 * channel zero), gives features [N, dimensions], which are f32 in any precision.
 */
export class ResNet extends Module implements Encoder {
  /** Features that the trunk gives, the average-pooled last map: at width 1 512, and 2,048 of a ResNet-50. */
  readonly dimensions: number;
  readonly shape: Required<Pick<ResNetOptions, 'architecture' | 'stem'>> & {
    readonly width: number;
    /** Not there: `batch`. */
    readonly norm?: Exclude<Norm, 'batch'>;
  };
  private readonly conv1: Conv2d;
  private readonly bn1: Module;
  private readonly layers: readonly Sequential[];

  /**
   * @param name of the network, where a program has two of a kind: `teacher/conv1.weight`. Its first values are the same under any
   *   name. Empty for an encoder that is exported.
   */
  constructor(options: ResNetOptions, name = '') {
    super(name);
    const { architecture, stem, width = 1, norm = 'batch', seed } = options;
    this.shape = { architecture, stem, width, ...(norm !== 'batch' && { norm }) };
    const base = baseChannels * width;
    const shape = stem === 'imagenet' ? { kernel: 7, stride: 2, padding: 3 } : { kernel: 3, stride: 1, padding: 1 };
    this.conv1 = this.child(new Conv2d(inNetwork(name, 'conv1'), 3, base, { ...shape, seed }));
    this.bn1 = this.child(makeNorm(norm, inNetwork(name, 'bn1'), base));
    const { Block, blocks } = resnets[architecture];
    const outputs = blocks.map((_, stage) => base * 2 ** stage * Block.expansion);
    this.layers = blocks.map((length, stage) => {
      const layer = inNetwork(name, `layer${stage + 1}`);
      const block = (_: unknown, i: number) =>
        new Block(`${layer}.${i}`, {
          inputs: i > 0 ? outputs[stage] : (outputs[stage - 1] ?? base),
          channels: base * 2 ** stage,
          stride: i === 0 && stage > 0 ? 2 : 1,
          norm,
          seed,
        });
      return this.child(new Sequential(layer, Array.from({ length }, block)));
    });
    this.dimensions = outputs.at(-1)!;
  }

  forward(x: Tensor, mode: Mode): Tensor {
    const last = this.maps(x, mode).at(-1)!;
    return scope('avgpool', () => globalAvgPool(last));
  }

  maps(x: Tensor, mode: Mode): readonly Tensor[] {
    const { frozenStages = 0 } = mode;
    const still = { ...mode, training: false };
    const images = scope('stem', () => cast(x, mode.precision ?? 'f32'));
    const stem = frozenStages > 0 ? still : mode;
    let y = scope('stem', () => relu(this.bn1.forward(this.conv1.forward(images), stem)));
    if (this.shape.stem === 'imagenet') y = scope('stem', () => maxPool2d(y, { kernel: 3, stride: 2, padding: 1 }));
    return this.layers.map((layer, stage) => {
      y = layer.forward(y, stage < frozenStages ? still : mode);
      return y;
    });
  }
}
