/** Differences and distances, in f32 whatever the inputs are: what losses of pairs are made of. */
import { check, type Tensor } from '../graph/tensor.ts';
import { add } from '../ops/add.ts';
import { maximum, mul, sub } from '../ops/binary.ts';
import { cast } from '../ops/cast.ts';
import { matmul } from '../ops/matmul.ts';
import { sum } from '../ops/reduce.ts';
import { reshape } from '../ops/reshape.ts';
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

/**
 * ‖z_i − z_j‖² of all rows of z [M, D] with each other → [M, M], as ‖z_i‖² + ‖z_j‖² − 2 z_i · z_j: small ones lose digits, so that it is for
 * finding pairs, of which `squaredDistance` gives loss and gradient.
 */
export function squaredDistances(z: Tensor): Tensor {
  const [rows] = z.shape;
  const squares = sum(square(z), 1);
  const both = add(reshape(squares, [rows, 1]), reshape(squares, [1, rows]));
  return maximum(sub(both, mul(matmul(z, z, { transposeB: true }), 2)), 0);
}
