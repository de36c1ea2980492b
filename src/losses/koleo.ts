import { check, type Tensor } from '../graph/tensor.ts';
import { gatherRows } from '../ops/gather_rows.ts';
import { l2Normalize } from '../ops/l2_normalize.ts';
import { mean } from '../ops/reduce.ts';
import { log, neg } from '../ops/unary.ts';
import { nearestOther } from './components.ts';
import { euclideanDistance } from './distance.ts';

/**
 * Kozachenko and Leonenko's estimator of the differential entropy as a regulariser (Sablayrolles et al., 2019, arXiv 1806.03198, eq. 2;
 * DINOv2, Oquab et al., 2023): rows x [N, D] of a batch, at length one, are driven apart, each from its nearest. f32 [1]:
 *
 *   loss = −1/N Σ_i log max(min_{j ≠ i} ‖x̂_i − x̂_j‖, 10⁻⁶)
 *
 * where the papers add 10⁻⁸ to the distance. Which row is nearest is constant; the gradient passes both rows of a pair, and is 0 where they
 * are equal. From −log 2, of two opposite rows, to log 10⁶, of equal ones.
 */
export function koleo(x: Tensor): Tensor {
  check(x.shape.length === 2 && x.shape[0] >= 2, 'koleo', 'the input must be a matrix of two rows or more', x);
  const unit = l2Normalize(x);
  const nearest = gatherRows(unit, nearestOther(unit));
  return neg(mean(log(euclideanDistance(unit, nearest))));
}
