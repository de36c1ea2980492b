import type { Tensor } from '../graph/tensor.ts';
import { add } from '../ops/add.ts';
import { sub } from '../ops/binary.ts';
import { mean } from '../ops/reduce.ts';
import { relu } from '../ops/relu.ts';
import { euclideanDistance, squaredDistance } from './distance.ts';

/** Constants of `triplet`. */
export interface TripletOptions {
  readonly margin: number;
  /** Of squares, as FaceNet has it, or `euclidean`, as `torch.nn.functional.triplet_margin_loss` has it. Default `squared`. */
  readonly distance?: 'squared' | 'euclidean';
}

/** max(0, d(a_n, p_n) − d(a_n, n_n) + margin) of the rows of three matrices [N, D] → f32 [N]. */
export function tripletTerms(
  anchor: Tensor,
  positive: Tensor,
  negative: Tensor,
  { margin, distance = 'squared' }: TripletOptions,
): Tensor {
  const d = distance === 'squared' ? squaredDistance : euclideanDistance;
  return relu(add(sub(d(anchor, positive), d(anchor, negative)), margin));
}

/**
 * Triplet loss (Schroff, Kalenichenko & Philbin, 2015, eq. 1) of the rows of three matrices [N, D], as f32 [1]:
 *
 *   mean_n max(0, d(a_n, p_n) − d(a_n, n_n) + margin)
 */
export const triplet = (anchor: Tensor, positive: Tensor, negative: Tensor, options: TripletOptions): Tensor =>
  mean(tripletTerms(anchor, positive, negative, options));
