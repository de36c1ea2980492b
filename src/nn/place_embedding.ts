import type { Tensor } from '../graph/tensor.ts';
import { scope } from '../graph/trace.ts';
import { add } from '../ops/add.ts';
import { cast } from '../ops/cast.ts';
import { interpolate } from '../ops/interpolate.ts';
import { l2Normalize } from '../ops/l2_normalize.ts';
import { reshape } from '../ops/reshape.ts';
import { stageCount } from './encoder_shape.ts';
import { Conv2d } from './layers.ts';
import type { NamedTensor } from './module.ts';
import type { ResNetOptions } from './resnet.ts';

/** By how much the map of a ResNet's stage (from 1) is smaller than the image: 4, 8, 16, 32 with ImageNet's stem, 1, 2, 4, 8 with CIFAR's. */
export const stageStride = (stage: number, stem: ResNetOptions['stem']): number =>
  (stem === 'imagenet' ? 4 : 1) * 2 ** (stage - 1);

/** What a `PlaceEmbedding` embeds. */
export interface PlaceEmbeddingOptions {
  /** Channels of the last map: the encoder's dimensions. */
  readonly channels: number;
  /** The stage whose places are embedded. */
  readonly stage: number;
  /** Numbers of an embedding. */
  readonly dimensions: number;
  readonly seed: number;
}

/**
 * Embeddings of the places of a picture, of unit length, from the maps of a ResNet's stages: each from `stage` on passes a convolution
 * of 1×1, is enlarged to the map of `stage`, and all are added up, as in a feature pyramid (Lin et al., 2017). The coarse maps say what
 * is there, the fine one says where, and all stages learn.
 */
export class PlaceEmbedding {
  private readonly laterals: readonly Conv2d[];

  constructor(
    readonly name: string,
    private readonly options: PlaceEmbeddingOptions,
  ) {
    const { channels, stage, dimensions, seed } = options;
    const lateral = (_: unknown, i: number) => {
      const inputs = channels / 2 ** (stageCount - stage - i);
      const std = Math.sqrt(1 / inputs);
      return new Conv2d(`${name}.lateral${stage + i}`, inputs, dimensions, { kernel: 1, std, seed });
    };
    this.laterals = Array.from({ length: stageCount + 1 - stage }, lateral);
  }

  get parameters(): readonly NamedTensor[] {
    return this.laterals.flatMap(({ parameters }) => parameters);
  }

  /** None: there is no batch norm. */
  get buffers(): readonly NamedTensor[] {
    return [];
  }

  /** Maps of all stages, [N, h, w, c] each → [N, h·w, dimensions] of the places of the chosen stage, row by row, f32. */
  forward(maps: readonly Tensor[]): Tensor {
    const own = maps.slice(this.options.stage - 1);
    const [n, height, width] = own[0].shape;
    return scope(this.name, () => {
      const same = own.map((map, i) => {
        const y = this.laterals[i].forward(map);
        return i === 0 ? y : interpolate(y, [height, width]);
      });
      const sum = cast(
        same.reduce((a, b) => add(a, b)),
        'f32',
      );
      const rows = l2Normalize(reshape(sum, [n * height * width, this.options.dimensions]));
      return reshape(rows, [n, height * width, this.options.dimensions]);
    });
  }
}
