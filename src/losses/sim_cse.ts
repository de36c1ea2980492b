import { check, type Tensor } from '../graph/tensor.ts';
import { l2Normalize } from '../ops/l2_normalize.ts';
import { slice } from '../ops/strided_copy.ts';
import { type InfoNce, type InfoNceOptions, infoNce } from './info_nce.ts';

/** Embeddings of length one beside the loss. */
export interface SimCse extends InfoNce {
  /** Anchors and their positives, [N, D] each. */
  readonly anchors: Tensor;
  readonly positives: Tensor;
}

/**
 * Supervised SimCSE (Gao et al., 2021, eq. 5): each anchor has to find its positive among the positives of all and, where there are some, the
 * hard negatives of all, by cosines:
 *
 *   loss = mean_i −log( exp(ĥ_i · ĥ_i⁺ / τ) / Σ_j (exp(ĥ_i · ĥ_j⁺ / τ) + exp(ĥ_i · ĥ_j⁻ / τ)) )
 *
 * accuracy [1] is the share of anchors whose positive is the most similar of all.
 *
 * @param z [2N, D] or [3N, D]: N anchors, N positives and N hard negatives behind each other; of any length
 */
export function supervisedSimCse(z: Tensor, columns: 2 | 3, options: Pick<InfoNceOptions, 'temperature'>): SimCse {
  const [rows] = z.shape;
  const fits = z.shape.length === 2 && rows % columns === 0;
  check(fits, 'sim_cse', `the input must be a matrix of ${columns} N rows`, z);
  const unit = l2Normalize(z);
  const N = rows / columns;
  const [anchors, keys] = [slice(unit, 0, 0, N), slice(unit, 0, N)];
  return { ...infoNce(anchors, keys, options), anchors, positives: columns === 2 ? keys : slice(unit, 0, N, 2 * N) };
}
