/** Arrangements of images and patches, of ops that copy. */
import { check, type Tensor } from '../graph/tensor.ts';
import { expand } from './reduce.ts';
import { reshape } from './reshape.ts';
import { checkedAxis, concat, permute, permuteFlipped, slice } from './strided_copy.ts';

/** As `torch.stack`: tensors of one shape side by side along a new axis, by default the first. */
export function stack(tensors: readonly Tensor[], axis = 0): Tensor {
  check(tensors.length > 0, 'stack', 'expected one tensor at least');
  const [{ shape }] = tensors;
  check(
    tensors.every((x) => x.shape.join() === shape.join()),
    'stack',
    'all inputs must have one shape',
    ...tensors,
  );
  const place = axis < 0 ? axis + shape.length + 1 : axis;
  check(
    Number.isInteger(place) && place >= 0 && place <= shape.length,
    'stack',
    `there is no axis ${axis}`,
    tensors[0],
  );
  return concat(
    tensors.map((x) => reshape(x, shape.toSpliced(place, 0, 1))),
    place,
  );
}

/**
 * As `torch.rot90`: x turned by k quarters counter-clockwise in the plane of two axes, by default those of images [N, H, W, C].
 */
export function rot90(x: Tensor, k = 1, [rows, columns]: readonly [number, number] = [1, 2]): Tensor {
  const [a, b] = [checkedAxis('rot90', x, rows), checkedAxis('rot90', x, columns)];
  check(Number.isInteger(k) && a !== b, 'rot90', `expected whole quarters and two axes, have ${k} in [${a}, ${b}]`, x);
  const quarters = ((k % 4) + 4) % 4;
  const axes = x.shape.map((_, axis) => axis);
  const swapped = axes.with(a, b).with(b, a);
  if (quarters === 0) return x;
  // A quarter: the columns from last to first become rows. Two: both backwards. Three: the rows from last to first become columns.
  if (quarters === 2) return permuteFlipped(x, axes, [a, b]);
  return permuteFlipped(x, swapped, [quarters === 1 ? a : b]);
}

/** Non-overlapping squares of p × p pixels of images [N, H, W, C] → [N, L, p·p·C], row by row, each by rows, columns, channels. */
export function patchify(x: Tensor, p: number): Tensor {
  const [n, height, width, c] = x.shape;
  const fits = x.shape.length === 4 && Number.isInteger(p) && p >= 1 && height % p === 0 && width % p === 0;
  check(fits, 'patchify', `the input must be [N, H, W, C] with sides of whole patches of ${p}`, x);
  const [rows, columns] = [height / p, width / p];
  const squares = permute(reshape(x, [n, rows, p, columns, p, c]), [0, 1, 3, 2, 4, 5]);
  return reshape(squares, [n, rows * columns, p * p * c]);
}

/**
 * Squares of 2s × 2s pixels of images [N, H, W, C], each half over its neighbours, where sides are whole multiples of s:
 * [N, H/s − 1, W/s − 1, 2s, 2s, C].
 */
export function overlappingPatches(x: Tensor, s: number): Tensor {
  const [n, height, width, c] = x.shape;
  const fits = x.shape.length === 4 && Number.isInteger(s) && s >= 1 && [height, width].every((side) => side % s === 0);
  const some = fits && height >= 2 * s && width >= 2 * s;
  check(
    some,
    'overlapping_patches',
    `the input must be [N, H, W, C] with sides of twice ${s} pixels, or more times`,
    x,
  );
  const [rows, columns] = [height / s, width / s];
  // Strips of s pixels, each beside the next one.
  const pairs = (strips: Tensor, axis: number) =>
    concat([slice(strips, axis, 0, -1), slice(strips, axis, 1)], axis + 1);
  const high = pairs(reshape(x, [n, rows, s, width, c]), 1);
  const both = pairs(reshape(high, [n, rows - 1, 2 * s, columns, s, c]), 3);
  return permute(both, [0, 1, 3, 2, 4, 5]);
}

/** The inverse of `patchify`: [N, L, p·p·C] → [N, H, W, C]; `rows` patches lie one above another, √L unless it is given. */
export function unpatchify(x: Tensor, p: number, rows = Math.sqrt(x.shape[1])): Tensor {
  const [n, count, length] = x.shape;
  const [columns, c] = [count / rows, length / (p * p)];
  const fits = x.shape.length === 3 && [p, rows, columns, c].every((size) => Number.isInteger(size) && size >= 1);
  check(fits, 'unpatchify', `the input must be [N, L, ${p}·${p}·C] with L in ${rows} rows`, x);
  const squares = permute(reshape(x, [n, rows, columns, p, p, c]), [0, 1, 3, 2, 4, 5]);
  return reshape(squares, [n, rows * p, columns * p, c]);
}

/** As `torch.nn.functional.interpolate(mode='nearest')` by a whole factor: [N, H, W, C] → [N, H·factor, W·factor, C]. */
export function upsampleNearest(x: Tensor, factor: number): Tensor {
  const fits = x.shape.length === 4 && Number.isInteger(factor) && factor >= 1;
  check(fits, 'upsample_nearest', `the input must be [N, H, W, C] and the factor ${factor} whole`, x);
  const [n, h, w, c] = x.shape;
  const repeated = expand(reshape(x, [n, h, 1, w, 1, c]), [n, h, factor, w, factor, c]);
  return reshape(repeated, [n, h * factor, w * factor, c]);
}
