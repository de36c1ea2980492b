import type { Tensor } from '../graph/tensor.ts';
import { add } from '../ops/add.ts';
import { mul } from '../ops/binary.ts';
import { mean, sum } from '../ops/reduce.ts';
import { square } from '../ops/unary.ts';
import { type InfoNce, infoNce } from './info_nce.ts';

export interface NPairOptions {
  /** λ: how much long embeddings cost; 0 by default, usual is about 0.02. */
  readonly l2?: number;
}

/**
 * Multi-class N-pair loss (Sohn, 2016, eq. 3) of anchors f and positives f⁺ [N, D], which are not normalised; the positives of the other
 * pairs are the negatives of a pair:
 *
 *   loss = mean_i log(1 + Σ_{j≠i} exp(f_i · f⁺_j − f_i · f⁺_i)) + λ/4 (mean_i ‖f_i‖² + mean_i ‖f⁺_i‖²)
 *
 * InfoNCE without a temperature, and what keeps its vectors short.
 */
export function nPair(anchor: Tensor, positive: Tensor, { l2 = 0 }: NPairOptions = {}): InfoNce {
  const compared = infoNce(anchor, positive, { temperature: 1 });
  if (l2 === 0) return compared;
  const length = (rows: Tensor) => mean(sum(square(rows), 1));
  return { ...compared, loss: add(compared.loss, mul(add(length(anchor), length(positive)), l2 / 4)) };
}
