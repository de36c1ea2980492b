/** The nearest-neighbour graph of a batch, and its connected components: labels that nobody gave (WCL). */
import { check, type Tensor } from '../graph/tensor.ts';
import { amax } from '../ops/amax.ts';
import { argmaxRows } from '../ops/argmax_rows.ts';
import { div, eq, maximum, minimum, mul, sub } from '../ops/binary.ts';
import { cast } from '../ops/cast.ts';
import { detach } from '../ops/detach.ts';
import { gatherRows } from '../ops/gather_rows.ts';
import { l2Normalize } from '../ops/l2_normalize.ts';
import { matmul } from '../ops/matmul.ts';
import { sum } from '../ops/reduce.ts';
import { concat, slice, transpose } from '../ops/strided_copy.ts';
import { identity, matches, numbered } from './masks.ts';

/**
 * The row nearest to each row of v [N, D] by cosine, itself left out; of equals the first: u32 [N]. It has no gradient.
 *
 * A pair has one similarity, whichever of the two asks: where a kernel adds up in another order, the larger of both counts. `components`
 * relies on that.
 */
export function nearestOther(v: Tensor): Tensor {
  const [count] = v.shape;
  check(v.shape.length === 2 && count >= 2, 'nearest_other', 'the input must be a matrix of two rows or more', v);
  const unit = l2Normalize(detach(v));
  const products = matmul(unit, unit, { transposeB: true });
  const similarities = maximum(products, transpose(products, 0, 1));
  return argmaxRows(sub(similarities, mul(identity(count), 4))); // below −1, the least cosine
}

/**
 * Connected components of the graph that joins each row with its nearest, `nearestOther` of N rows, whichever of the two it is nearest to:
 * u32 [N], the smallest row of the component of each. There are two rows or more in all of them.
 *
 * Whoever goes from row to nearest row never comes to less similar pairs, and of equals to earlier rows, so every walk ends in two rows
 * that are each other's nearest, one such pair in each component. Doubling the length of all walks until it is N finds it, in
 * ⌈log₂ N⌉ gathers. Every row finds its label alone: nothing depends on how work was scheduled.
 */
export function components(nearest: Tensor): Tensor {
  const count = nearest.size;
  let end = nearest;
  for (let length = 1; length < count; length *= 2) end = gatherRows(end, end);
  const pair = [end, gatherRows(nearest, end)].map((row) => cast(row, 'f32'));
  const root = minimum(pair[0], pair[1]);
  return argmaxRows(matches(root, root)); // the first row that has the same
}

/** How many components there are: [1]. */
export const countComponents = (labels: Tensor): Tensor => sum(eq(cast(labels, 'f32'), numbered('rows', labels.size)));

/** How far components and classes are the same partition, by `agreement`. */
export interface Agreement {
  /** `[1]`: the share of rows that are of the most frequent class in their component. */
  readonly purity: Tensor;
  /** `[1]`: the same where each row has the class of the next one, the last that of the first: what sizes of components and of classes alone give. */
  readonly shuffledPurity: Tensor;
  /** `[1]`: of the pairs of rows that are of one class, the share that is in one component. */
  readonly joined: Tensor;
}

/**
 * How the components of N rows agree with their true classes, u32 [N] each, `classes` of them. Rows are in random order, as those of a batch
 * are: the class of the next row is one dealt at random.
 */
export function agreement(labels: Tensor, truth: Tensor, classes: number): Agreement {
  const count = labels.size;
  const [own, known] = [cast(labels, 'f32'), cast(truth, 'f32')];
  const members = matches(numbered('rows', count), own); // [components, rows]; nothing where no row has the label
  const ofRows = matches(known, numbered('rows', classes)); // [rows, classes]
  const purityOf = (rows: Tensor) => mul(sum(amax(matmul(members, rows), 1)), 1 / count); // of counts [components, classes]
  const next = concat([slice(ofRows, 0, 1), slice(ofRows, 0, 0, 1)], 0);
  const ofClass = matches(known, known);
  const others = (pairs: Tensor) => sub(sum(pairs), count); // every row is in one class and component with itself
  const joined = div(others(mul(ofClass, matches(own, own))), maximum(others(ofClass), 1));
  return { purity: purityOf(ofRows), shuffledPurity: purityOf(next), joined };
}
