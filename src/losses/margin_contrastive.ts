import { check, type Tensor } from '../graph/tensor.ts';
import { add } from '../ops/add.ts';
import { maximum, mul, sub } from '../ops/binary.ts';
import { cast } from '../ops/cast.ts';
import { l2Normalize } from '../ops/l2_normalize.ts';
import { mean } from '../ops/reduce.ts';
import { relu } from '../ops/relu.ts';
import { sqrt, square } from '../ops/unary.ts';
import { euclideanDistance, squaredDistance } from './distance.ts';
import { type PairLoss, pairAccuracy, pairSimilarities } from './pairs.ts';

/**
 * Contrastive loss of pairs (Hadsell, Chopra & LeCun, 2006, eq. 4, without its halves) of the rows of x and y [N, D] and `same` [N],
 * 1 where a pair is of one class and 0 where it is not, f32 or f16, as f32 [1]:
 *
 *   mean_n s_n d_n² + (1 − s_n) max(0, margin − d_n)²,   d_n = ‖x_n − y_n‖
 */
export function marginContrastive(x: Tensor, y: Tensor, same: Tensor, { margin }: { readonly margin: number }): Tensor {
  check(same.shape.join() === `${x.shape[0]}`, 'margin_contrastive', 'same must be one number for each pair', same, x);
  const s = cast(same, 'f32');
  const apart = square(relu(sub(margin, euclideanDistance(x, y))));
  return mean(add(mul(s, squaredDistance(x, y)), mul(sub(1, s), apart)));
}

/**
 * The same of z [2N, D], row i with row i + N, on the sphere: pairs of one image are of one class, those of different images are not, and both
 * kinds count alike, however many more there are of the second,
 *
 *   loss = mean_pairs d² + mean_others max(0, margin − d)²,   d² = 2 − 2 cosine
 */
export function marginOfPairs(z: Tensor, { margin }: { readonly margin: number }): PairLoss {
  const unit = l2Normalize(z);
  const pairs = pairSimilarities(unit, 'margin_contrastive');
  const squared = (cosines: Tensor) => sub(2, mul(cosines, 2));
  const apart = square(relu(sub(margin, sqrt(maximum(squared(pairs.negatives), 1e-12)))));
  const loss = add(mean(squared(pairs.positives)), mean(apart));
  return { loss, accuracy: pairAccuracy(pairs), unit };
}
