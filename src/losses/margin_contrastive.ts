import { check, type Tensor } from '../graph/tensor.ts';
import { add } from '../ops/add.ts';
import { mul, sub } from '../ops/binary.ts';
import { cast } from '../ops/cast.ts';
import { mean } from '../ops/reduce.ts';
import { relu } from '../ops/relu.ts';
import { square } from '../ops/unary.ts';
import { euclideanDistance, squaredDistance } from './distance.ts';

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
