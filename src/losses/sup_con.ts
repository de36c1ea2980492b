import { check, type Tensor } from '../graph/tensor.ts';
import { argmaxRows } from '../ops/argmax_rows.ts';
import { div, eq, mul, sub } from '../ops/binary.ts';
import { cast } from '../ops/cast.ts';
import { gatherRows } from '../ops/gather_rows.ts';
import { l2Normalize } from '../ops/l2_normalize.ts';
import { matmul } from '../ops/matmul.ts';
import { mean } from '../ops/reduce.ts';
import { excludedBy, identity, sameAs } from './masks.ts';
import { contrastSets } from './positive_sets.ts';

/** Constants of `supCon`. */
export interface SupConOptions {
  /** τ; f32 [1] where a schedule feeds it. */
  readonly temperature: number | Tensor;
}

/**
 * Supervised contrastive loss (Khosla et al., 2020, eq. 2, L_out) of embeddings z [M, D], which need not have length one, with labels u32
 * [M] below 2²⁴; the positives P(i) of a row are all others with its label, so views of one image are rows with one label:
 *
 *   loss = mean_i −1/|P(i)| Σ_{p∈P(i)} log( exp(ẑ_i · ẑ_p / τ) / Σ_{k≠i} exp(ẑ_i · ẑ_k / τ) ),   ẑ = z/‖z‖
 *
 * A row without positives adds 0 and counts in the mean. Where every label is there twice this is NT-Xent. f32 [1]. Three M × M matrices
 * are stored.
 */
export function supCon(z: Tensor, labels: Tensor, { temperature }: SupConOptions): Tensor {
  const [rows] = z.shape;
  const fit = z.shape.length === 2 && labels.dtype === 'u32' && labels.shape.join() === `${rows}`;
  check(fit, 'sup_con', 'the labels must be one u32 for each row of a matrix', labels, z);
  const unit = l2Normalize(z);
  const itself = identity(rows);
  const similarities = div(matmul(unit, unit, { transposeB: true }), temperature);
  return contrastSets(similarities, { positives: sub(sameAs(labels), itself), excluded: itself });
}

/** The share of rows of z [M, D] whose most similar other row has their label, u32 [M]: f32 [1]. */
export function nearestLabelAccuracy(z: Tensor, labels: Tensor): Tensor {
  const unit = l2Normalize(z);
  const nearest = argmaxRows(sub(matmul(unit, unit, { transposeB: true }), mul(identity(z.shape[0]), excludedBy)));
  const numbers = cast(labels, 'f32');
  return mean(eq(gatherRows(numbers, nearest), numbers));
}
