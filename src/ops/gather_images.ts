import copy from '../../kernels/gather_images/copy.wgsl';
import { grid1d } from '../gpu/kernel.ts';
import { check, type Op, type Tensor } from '../graph/tensor.ts';
import { apply } from '../graph/trace.ts';

/** Height and width of images that are packed as RGB bytes, row by row, four bytes a word, the last word filled up. */
export interface ImageSize {
  readonly height: number;
  readonly width: number;
}

export const packedWords = ({ height, width }: ImageSize): number => Math.ceil((height * width * 3) / 4);

/** images[n] = the image indices[n] of shards laid one after another; one launch a shard, which copies only its own images. */
export const gatherImagesOp: Op<null> = {
  name: 'gather_images',
  infer([indices, ...shards]) {
    check(indices.dtype === 'u32' && indices.shape.length === 1, 'gather_images', 'indices must be u32 [N]', indices);
    const words = shards[0]?.shape[1];
    const fit = shards.every(({ shape, dtype }) => dtype === 'u32' && shape.length === 2 && shape[1] === words);
    check(shards.length > 0 && fit, 'gather_images', 'shards must be u32 [images, words] of one width', ...shards);
    return [{ shape: [indices.size, words], dtype: 'u32' }];
  },
  launches({ inputs: [indices, ...shards], outputs: [images] }) {
    const [count, words] = images.shape;
    const last = shards.reduce((sum, { shape }) => sum + shape[0], 0) - 1;
    const groups_per_image = Math.ceil(words / 256);
    let next = 0;
    return shards.map((shard) => {
      const first = next;
      next += shard.shape[0];
      return {
        kernel: copy,
        bindings: { indices, shard, images },
        params: { count, words, first, held: shard.shape[0], last, groups_per_image },
        workgroups: grid1d(count * groups_per_image, 1),
      };
    });
  },
};

/** Images by their indices u32 [N] out of shards u32 [images, words] → u32 [N, words]. An index past the end gives the last image. */
export function gatherImages(indices: Tensor, shards: readonly Tensor[], size: ImageSize): Tensor {
  const words = packedWords(size);
  const rule = `shards must have ${words} words an image of ${size.height}×${size.width}`;
  check(
    shards.every(({ shape }) => shape[1] === words),
    'gather_images',
    rule,
    ...shards,
  );
  return apply(gatherImagesOp, [indices, ...shards], null)[0];
}
