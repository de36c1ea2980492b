/** Rows of a batch dealt out like cards, so that parts of it have other neighbours: MoCo's shuffled batch norm. */
import type { Tensor } from '../graph/tensor.ts';
import { reshape } from '../ops/reshape.ts';
import { transpose } from '../ops/strided_copy.ts';

/**
 * x [N, …] in another order: row j · S + s is what was row s · N/S + j. Of N/S rows in a sequence equally many come from each of the S parts
 * (or from as many parts as there are rows, where N/S is less). A batch is in random order already, so that a fixed deal serves as a shuffle.
 */
export const dealRows = (x: Tensor, parts: number): Tensor => exchanged(x, parts, x.shape[0] / parts);

/** Rows of `dealRows` in the order in which they were. */
export const gatherDealt = (x: Tensor, parts: number): Tensor => exchanged(x, x.shape[0] / parts, parts);

function exchanged(x: Tensor, outer: number, inner: number): Tensor {
  if (outer === 1 || inner === 1) return x;
  const [, ...rest] = x.shape;
  return reshape(transpose(reshape(x, [outer, inner, ...rest]), 0, 1), x.shape);
}
