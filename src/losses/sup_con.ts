import { check, type Tensor } from '../graph/tensor.ts';
import { constant } from '../graph/trace.ts';
import { div, eq, maximum, mul, sub } from '../ops/binary.ts';
import { cast } from '../ops/cast.ts';
import { l2Normalize } from '../ops/l2_normalize.ts';
import { matmul } from '../ops/matmul.ts';
import { mean, sum } from '../ops/reduce.ts';
import { reshape } from '../ops/reshape.ts';
import { logSoftmax } from '../ops/softmax.ts';
import { neg } from '../ops/unary.ts';

export interface SupConOptions {
  /** τ; f32 [1] where a schedule feeds it. */
  readonly temperature: number | Tensor;
}

/** What is taken off the similarity of a row with itself: exp of the rest is 0 in f32, and no number becomes infinite. */
const excluded = 1e9;

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
  const itself = sameAs(
    constant(
      'rows',
      Float32Array.from({ length: rows }, (_, i) => i),
    ),
  );
  const positives = sub(sameAs(cast(labels, 'f32')), itself);
  const similarities = div(matmul(unit, unit, { transposeB: true }), temperature);
  const logP = logSoftmax(sub(similarities, mul(itself, excluded)));
  const counts = maximum(sum(positives, 1), 1);
  return neg(mean(div(sum(mul(positives, logP), 1), counts)));
}

/** 1 where two of M values are the same, else 0: [M, M]. */
function sameAs(values: Tensor): Tensor {
  const count = values.size;
  return eq(reshape(values, [count, 1]), reshape(values, [1, count]));
}
