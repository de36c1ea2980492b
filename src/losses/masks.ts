/** Matrices of 0 and 1 over pairs of rows: which are of one label, which are the same row, which are the nearest. */
import type { Tensor } from '../graph/tensor.ts';
import { constant } from '../graph/trace.ts';
import { eq, maximum, mul, sub } from '../ops/binary.ts';
import { cast } from '../ops/cast.ts';
import { detach } from '../ops/detach.ts';
import { rankRows } from '../ops/rank_rows.ts';
import { reshape } from '../ops/reshape.ts';
import { neg } from '../ops/unary.ts';

/** What is taken off a similarity that does not count: exp of the rest is 0 in f32, and no number becomes infinite. */
export const excludedBy = 1e9;

/** 1 where a value of a [M] is one of b [N], else 0: [M, N]. */
export const matches = (a: Tensor, b: Tensor): Tensor => eq(reshape(a, [a.size, 1]), reshape(b, [1, b.size]));

/** 1 where two of M values, u32 below 2²⁴ or f32, are the same, else 0: [M, M]. */
export function sameAs(values: Tensor): Tensor {
  const numbers = cast(values, 'f32');
  return matches(numbers, numbers);
}

/** i mod `period` for i below `count`, as f32: the number of each row, or of its image in views [V · period, …]. */
export const numbered = (name: string, count: number, period = count): Tensor =>
  constant(
    name,
    Float32Array.from({ length: count }, (_, i) => i % period),
  );

/** 1 on the diagonal. */
export const identity = (count: number): Tensor => sameAs(numbered('rows', count));

/** 1 where a > b, else 0, of shapes that broadcast. It has no gradient. */
export const greater = (a: Tensor, b: Tensor): Tensor => sub(1, eq(maximum(a, b), b));

/**
 * 1 at the k largest of each row of x [M, K] among those for which `excluded` [M, K] is 0, else 0; of equals those further left. k is f32
 * [1], so that a schedule can feed it. K² comparisons a row.
 */
export function largest(x: Tensor, k: Tensor, excluded: Tensor): Tensor {
  const order = cast(rankRows(neg(sub(detach(x), mul(excluded, excludedBy)))), 'f32');
  return mul(greater(k, order), sub(1, excluded));
}
