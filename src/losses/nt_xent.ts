import type { Tensor } from '../graph/tensor.ts';
import { l2Normalize } from '../ops/l2_normalize.ts';
import { ntXentOfUnit } from '../ops/nt_xent.ts';

export interface NtXent {
  /** [1] */
  readonly loss: Tensor;
  /** [1]: the share of rows whose positive is the most similar of all other rows. */
  readonly accuracy: Tensor;
  /** [2N]: log-sum-exp of each row. */
  readonly lse: Tensor;
  /** z with rows of length one, [2N, D]. */
  readonly unit: Tensor;
}

/**
 * Normalised-temperature cross-entropy (Chen et al., 2020, eq. 1) of 2N embeddings z [2N, D], which need not have length one; row i and
 * row i + N are two views of one sample:
 *
 *   loss = mean_i −log( exp(ẑ_i · ẑ_p / τ) / Σ_{k≠i} exp(ẑ_i · ẑ_k / τ) ),   ẑ = z/‖z‖, p = (i + N) mod 2N
 */
export function ntXent(z: Tensor, { temperature }: { readonly temperature: number }): NtXent {
  const unit = l2Normalize(z);
  return { ...ntXentOfUnit(unit, { temperature }), unit };
}
