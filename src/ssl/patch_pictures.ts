/** Pictures as rows of patches of their three colours, and back. */
import type { Tensor } from '../graph/tensor.ts';
import { patchify, unpatchify } from '../ops/rearrange.ts';
import { reshape } from '../ops/reshape.ts';
import { pad, slice } from '../ops/strided_copy.ts';

/** Pictures [N, S, S, 4] → patches [N, L, p·p·3], row by row, the colour fastest. */
export function patchesOf(x: Tensor, patch: number): Tensor {
  const all = patchify(x, patch);
  const [n, count] = all.shape;
  const colours = slice(reshape(all, [n, count, patch * patch, 4]), 3, 0, 3);
  return reshape(colours, [n, count, patch * patch * 3]);
}

/** The inverse, with a fourth channel of zeros. */
export function asPictures(patches: Tensor, patch: number): Tensor {
  const [n, count] = patches.shape;
  const none = [0, 0] as const;
  const colours = pad(reshape(patches, [n, count, patch * patch, 3]), [none, none, none, [0, 1]]);
  return unpatchify(reshape(colours, [n, count, patch * patch * 4]), patch);
}
