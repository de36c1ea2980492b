import type { Tensor } from '../graph/tensor.ts';
import { scope } from '../graph/trace.ts';
import { cast } from '../ops/cast.ts';
import { globalAvgPool } from '../ops/global_avg_pool.ts';
import { overlappingPatches } from '../ops/rearrange.ts';
import { mean } from '../ops/reduce.ts';
import { reshape } from '../ops/reshape.ts';
import { slice } from '../ops/strided_copy.ts';
import type { Encoder } from './encoder.ts';
import type { EncoderShape } from './encoder_shape.ts';
import { type Mode, Module } from './module.ts';
import type { MappedEncoder } from './seeing_encoder.ts';

/** Patches in a row, and in a column, of an image. */
export const patchesInRow = 7;
/** They begin an eighth of the image's side apart, and are twice as large. */
const strips = patchesInRow + 1;

/** Height and width in pixels of the patches of an image of that side: a quarter of it, of whole pixels. */
export const overlappingPatchOf = (imageSize: number): number => 2 * Math.floor(imageSize / strips);

/** The first pixel, along one side of an image, of the patches with that number in their row or column. */
export function patchStart(imageSize: number, number: number): number {
  const s = Math.floor(imageSize / strips);
  return Math.floor((imageSize - strips * s) / 2) + number * s;
}

/** Images [N, S, S, C] → their patches [N, 7, 7, p, p, C], row by row. What 8 does not divide of a side is left out at its ends. */
export function patchesOfImages(x: Tensor): Tensor {
  const s = Math.floor(x.shape[1] / strips);
  const middle = (image: Tensor, axis: number) => {
    const [side, start] = [image.shape[axis], patchStart(image.shape[axis], 0)];
    return side === strips * s ? image : slice(image, axis, start, start + strips * s);
  };
  return overlappingPatches(middle(middle(x, 1), 2), s);
}

/**
 * A network under its own names that sees an image in 7 × 7 patches, each half over its neighbours, one by one (van den Oord et al.,
 * 2018, §3.2): features are the mean of those of the patches.
 */
export class PatchesEncoder extends Module implements Encoder {
  readonly dimensions: number;

  constructor(
    readonly shape: EncoderShape,
    private readonly network: MappedEncoder,
  ) {
    super(network.name);
    this.child(network);
    this.dimensions = network.dimensions;
  }

  forward(x: Tensor, mode: Mode): Tensor {
    const grid = this.grid(x, mode);
    return scope('patches', () => mean(grid, [1, 2]));
  }

  /** Images [N, S, S, 4] → features of their patches [N, 7, 7, dimensions], f32 in any precision. */
  grid(x: Tensor, mode: Mode): Tensor {
    const rows = this.network.forward(this.patches(x), mode);
    return reshape(rows, [x.shape[0], patchesInRow, patchesInRow, this.dimensions]);
  }

  /** What the network's stages give on average over each patch, [N, 7, 7, c] each. */
  maps(x: Tensor, mode: Mode): readonly Tensor[] {
    const stages = this.network.maps(this.patches(x), mode);
    return scope('patches', () =>
      stages.map((map) => {
        const shape = [x.shape[0], patchesInRow, patchesInRow, map.shape[3]];
        return reshape(cast(globalAvgPool(map), mode.precision ?? 'f32'), shape);
      }),
    );
  }

  /** All patches of all images, [N · 49, p, p, 4]. */
  private patches(x: Tensor): Tensor {
    return scope('patches', () => {
      const patches = patchesOfImages(x);
      const [n, rows, columns, ...shape] = patches.shape;
      return reshape(patches, [n * rows * columns, ...shape]);
    });
  }
}
