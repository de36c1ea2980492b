/** Differences and distances, in f32 whatever the inputs are: what losses of pairs are made of. */
import { check, type Tensor } from '../graph/tensor.ts';
import { maximum, sub } from '../ops/binary.ts';
import { cast } from '../ops/cast.ts';
import { sum } from '../ops/reduce.ts';
import { sqrt, square } from '../ops/unary.ts';

/** Two tensors in f32. Losses do not broadcast: [N] against [N, 1] would be a mean over N² pairs that nobody meant. */
export function alike(op: string, a: Tensor, b: Tensor): [Tensor, Tensor] {
  check(a.shape.join() === b.shape.join(), op, 'both inputs must have one shape', a, b);
  return [cast(a, 'f32'), cast(b, 'f32')];
}

/** a − b. */
export const difference = (op: string, a: Tensor, b: Tensor): Tensor => sub(...alike(op, a, b));

/** ‖a_n − b_n‖² of the rows of two matrices [N, D] → f32 [N]. */
export function squaredDistance(a: Tensor, b: Tensor): Tensor {
  check(a.shape.length === 2, 'distance', 'the inputs must be matrices', a, b);
  return sum(square(difference('distance', a, b)), 1);
}

/**
 * ‖a_n − b_n‖ of the rows of two matrices [N, D] → f32 [N], at least 10⁻⁶: equal rows have no direction, and gradient 0 instead of
 * the infinite one of the root.
 */
export const euclideanDistance = (a: Tensor, b: Tensor): Tensor => sqrt(maximum(squaredDistance(a, b), 1e-12));
