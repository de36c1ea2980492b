import { check, type Tensor } from '../graph/tensor.ts';
import { constant } from '../graph/trace.ts';
import { l2Normalize } from '../ops/l2_normalize.ts';
import { type InfoNce, infoNce } from './info_nce.ts';

/** accuracy [1]: the share of rows whose positive is the most similar of all other rows; lse [2N]: log-sum-exp of each row. */
export interface NtXent extends InfoNce {
  /** z with rows of length one, [2N, D]. */
  readonly unit: Tensor;
}

/** Constants of `ntXent`, and which rows are pairs. */
export interface NtXentOptions {
  /** τ; f32 [1] where a schedule feeds it. */
  readonly temperature: number | Tensor;
  /** Which rows are two views of one sample: `halves`, i and i + N, or `interleaved`, 2k and 2k + 1. */
  readonly pairs?: 'halves' | 'interleaved';
}

/**
 * Normalised-temperature cross-entropy (Chen et al., 2020, eq. 1) of 2N embeddings z [2N, D], which need not have length one; row i and
 * row i + N are two views of one sample, or rows 2k and 2k + 1:
 *
 *   loss = mean_i −log( exp(ẑ_i · ẑ_p / τ) / Σ_{k≠i} exp(ẑ_i · ẑ_k / τ) ),   ẑ = z/‖z‖, p = (i + N) mod 2N or i + 1 − 2 (i mod 2)
 *
 * InfoNCE of rows that are queries and keys at once, none a candidate of its own.
 */
export function ntXent(z: Tensor, { temperature, pairs = 'halves' }: NtXentOptions): NtXent {
  const [rows] = z.shape;
  const even = z.shape.length === 2 && rows >= 2 && rows % 2 === 0;
  check(even, 'nt_xent', 'the input must be a matrix of 2N rows, row i with row i + N', z);
  const unit = l2Normalize(z);
  const target = constant(
    'target',
    Uint32Array.from({ length: rows }, (_, i) => (pairs === 'halves' ? (i + rows / 2) % rows : i + 1 - 2 * (i % 2))),
  );
  const excluded = constant(
    'excluded',
    Uint32Array.from({ length: rows }, (_, i) => i),
  );
  return { ...infoNce(unit, unit, { target, excluded, temperature }), unit };
}
