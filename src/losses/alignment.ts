/** Alignment and uniformity of embeddings (Wang & Isola, 2020, arXiv 2005.10242), of the pairs of a batch. */
import { check, type Tensor } from '../graph/tensor.ts';
import { constant } from '../graph/trace.ts';
import { add } from '../ops/add.ts';
import { sub } from '../ops/binary.ts';
import { logSumExp } from '../ops/logsumexp.ts';
import { mean, sum } from '../ops/reduce.ts';
import { square } from '../ops/unary.ts';
import { infoNce } from './info_nce.ts';

/**
 * E ‖x − y‖² of pairs at length one, f32 [1]: 0 where they are equal, 2 where they have nothing to do with each other.
 * @param x and y [N, D]; row i of both is a pair
 */
export const alignment = (x: Tensor, y: Tensor): Tensor => mean(sum(square(sub(x, y)), 1));

/**
 * log E exp(−2 ‖x_i − x_j‖²) over different rows at length one [N, D], f32 [1]: 0 where all are equal, −4 where any two are at right angles,
 * lower the more evenly they cover the sphere. ‖x_i − x_j‖² = 2 − 2 x_i · x_j, so that the sum over j is that of InfoNCE at τ = 1/4. A measure of
 * what is learnt, not a loss: no gradient passes.
 */
export function uniformity(x: Tensor): Tensor {
  const [rows] = x.shape;
  check(x.shape.length === 2 && rows >= 2, 'uniformity', 'the input must be a matrix of two rows or more', x);
  const excluded = constant(
    'excluded',
    Uint32Array.from({ length: rows }, (_, i) => i),
  );
  // The positive says nothing here; none may be its own, as that is no candidate.
  const target = constant(
    'target',
    Uint32Array.from({ length: rows }, (_, i) => (i + 1) % rows),
  );
  const { lse } = infoNce(x, x, { temperature: 1 / 4, excluded, target });
  return add(logSumExp(lse), constant('pairs', Float32Array.of(-4 - Math.log(rows * (rows - 1)))));
}
