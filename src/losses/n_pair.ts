import type { Tensor } from '../graph/tensor.ts';
import { type InfoNce, infoNce } from './info_nce.ts';

/**
 * Multi-class N-pair loss (Sohn, 2016, eq. 3) of anchors f and positives f⁺ [N, D], which are not normalised; the positives of the other
 * pairs are the negatives of a pair:
 *
 *   loss = mean_i log(1 + Σ_{j≠i} exp(f_i · f⁺_j − f_i · f⁺_i))
 *
 * InfoNCE without a temperature.
 */
export const nPair = (anchor: Tensor, positive: Tensor): InfoNce => infoNce(anchor, positive, { temperature: 1 });
