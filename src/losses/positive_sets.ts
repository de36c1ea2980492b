/** Contrastive losses in which a view has more positives than its pair, or fewer negatives than all others. */
import { check, type Tensor } from '../graph/tensor.ts';
import { constant } from '../graph/trace.ts';
import { add } from '../ops/add.ts';
import { amax } from '../ops/amax.ts';
import { div, maximum, mul, sub } from '../ops/binary.ts';
import { detach } from '../ops/detach.ts';
import { l2Normalize } from '../ops/l2_normalize.ts';
import { matmul } from '../ops/matmul.ts';
import { mean, sum } from '../ops/reduce.ts';
import { reshape } from '../ops/reshape.ts';
import { logSoftmax } from '../ops/softmax.ts';
import { concat, slice } from '../ops/strided_copy.ts';
import { neg } from '../ops/unary.ts';
import { temperatureOf } from './info_nce.ts';
import { excludedBy, greater, identity, largest, numbered, sameAs } from './masks.ts';
import type { PairLoss } from './pairs.ts';

/** Which candidates are positives of which row, for `contrastSets`: f32, M rows and K candidates. */
export interface PositiveSets {
  /** `[M, K]`: 1 at the positives of a row, which are candidates too. */
  readonly positives: Tensor;
  /** `[M, K]`: 1 at what is no candidate of a row. */
  readonly excluded: Tensor;
}

/**
 * The mean over positives outside the logarithm (Khosla et al., 2020, eq. 2) of logits s [M, K], f32 [1]:
 *
 *   loss = mean_i −1/|P(i)| Σ_{p∈P(i)} log( e^{s_ip} / Σ_{k∈C(i)} e^{s_ik} ),   C(i) all that is not excluded
 *
 * A row without positives adds 0 and counts in the mean.
 */
export function contrastSets(logits: Tensor, { positives, excluded }: PositiveSets): Tensor {
  const logP = logSoftmax(sub(logits, mul(excluded, excludedBy)));
  return neg(mean(div(sum(mul(positives, logP), 1), maximum(sum(positives, 1), 1))));
}

/** Two views of each image, row i with row i + N, and which of the 2N × 2N belong together. */
function compared(z: Tensor, op: string) {
  const [rows] = z.shape;
  const even = z.shape.length === 2 && rows >= 4 && rows % 2 === 0;
  check(even, op, 'the input must be a matrix of 2N rows, row i with row i + N, and N 2 or more', z);
  const unit = l2Normalize(z);
  const similarities = matmul(unit, unit, { transposeB: true });
  const [itself, ofImage] = [identity(rows), sameAs(numbered('images', rows, rows / 2))];
  const pair = sub(ofImage, itself);
  const nearest = amax(sub(similarities, mul(ofImage, excludedBy)), 1);
  const accuracy = mean(greater(sum(mul(similarities, pair), 1), nearest));
  return { unit, similarities, itself, ofImage, pair, accuracy };
}

const countOf = (k: number | Tensor): Tensor => (typeof k === 'number' ? constant('count', Float32Array.of(k)) : k);

/** Constants of `nearestPositives`. */
export interface NearestPositivesOptions {
  /** τ; f32 [1] where a schedule feeds it. */
  readonly temperature: number | Tensor;
  /** k: how many further positives a view has; f32 [1] where a schedule feeds it. */
  readonly nearest: number | Tensor;
}

/**
 * NT-Xent of z [2N, D] in which the k most similar views of other images are positives as the view's own pair is: what AdpCLR (Zhang, Yan
 * & Yang, 2020) does, here among the views of the batch. k = 0 is NT-Xent.
 */
export function nearestPositives(z: Tensor, { temperature, nearest }: NearestPositivesOptions): PairLoss {
  const { unit, similarities, itself, ofImage, pair, accuracy } = compared(z, 'nearest_positives');
  const positives = add(pair, largest(similarities, countOf(nearest), ofImage));
  const logits = div(similarities, temperatureOf(temperature, 'nearest_positives', z));
  return { loss: contrastSets(logits, { positives, excluded: itself }), accuracy, unit };
}

/** What `falseNegativeCancellation` takes for false negatives, and what becomes of them. */
export interface CancellationOptions {
  /** τ; f32 [1] where a schedule feeds it. */
  readonly temperature: number | Tensor;
  /** At most so many views of other images count as false negatives of an image; f32 [1] where a schedule feeds it. */
  readonly topK: number | Tensor;
  /** And only those whose score, a cosine, is above it. */
  readonly threshold: number;
  /** The score of a view: its largest similarity with the support of the image, or the mean. */
  readonly aggregate: 'max' | 'mean';
  /** Whether they become positives, or are no negatives any more. */
  readonly cancel: 'attract' | 'eliminate';
}

export interface Cancellation extends PairLoss {
  /** `[2N, 2N]`: 1 at the views that count as false negatives of a view. */
  readonly falseNegatives: Tensor;
}

/**
 * False-negative cancellation (Huynh et al., 2022, eq. 3 to 5) of z [2N, D], row i with row i + N, by further views of each image, `support`
 * [S · N, D] with view v of image i in row v · N + i, which are constants to it. A view k of another image has the score max_v ŝ_vi · ẑ_k; the
 * false negatives F(i) are the k of the largest scores above the threshold:
 *
 *   eliminate:  loss = mean −log( e^{s_ip} / Σ_{k≠i, k∉F(i)} e^{s_ik} )
 *   attract:    loss = mean −1/(1 + |F(i)|) Σ_{p' ∈ {p} ∪ F(i)} log( e^{s_ip'} / Σ_{k≠i} e^{s_ik} ),   s = cosine/τ
 */
export function falseNegativeCancellation(z: Tensor, support: Tensor, options: CancellationOptions): Cancellation {
  const { unit, similarities, itself, ofImage, pair, accuracy } = compared(z, 'false_negative_cancellation');
  const images = z.shape[0] / 2;
  const whole = support.shape[1] === z.shape[1] && support.shape[0] % images === 0;
  check(whole, 'false_negative_cancellation', 'the support must have S rows for each image', support, z);
  const scores = scoresOf(detach(unit), l2Normalize(detach(support)), options.aggregate);
  const own = slice(ofImage, 0, 0, images);
  const above = greater(scores, constant('threshold', Float32Array.of(options.threshold)));
  const found = mul(largest(scores, countOf(options.topK), own), above);
  const falseNegatives = concat([found, found], 0);
  const logits = div(similarities, temperatureOf(options.temperature, 'false_negative_cancellation', z));
  const sets =
    options.cancel === 'attract'
      ? { positives: add(pair, falseNegatives), excluded: itself }
      : { positives: pair, excluded: add(itself, falseNegatives) };
  return { loss: contrastSets(logits, sets), accuracy, unit, falseNegatives };
}

/** `[N, 2N]`: of the support of each image with each view. */
function scoresOf(unit: Tensor, support: Tensor, aggregate: CancellationOptions['aggregate']): Tensor {
  const views = unit.shape[0];
  const all = matmul(support, unit, { transposeB: true });
  const scores = reshape(all, [(2 * support.shape[0]) / views, views / 2, views]);
  return aggregate === 'max' ? amax(scores, 0) : mean(scores, 0);
}
