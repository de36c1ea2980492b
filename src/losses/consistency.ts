/** The two losses of UDA (Xie et al., 2020, arXiv 1904.12848): consistency of predictions, and labels that are released step by step. */
import { check, type Tensor } from '../graph/tensor.ts';
import { constant } from '../graph/trace.ts';
import { amax } from '../ops/amax.ts';
import { div, maximum, mul, sub } from '../ops/binary.ts';
import { detach } from '../ops/detach.ts';
import { gatherRows } from '../ops/gather_rows.ts';
import { mean, sum } from '../ops/reduce.ts';
import { logSoftmax } from '../ops/softmax.ts';
import { exp, neg } from '../ops/unary.ts';
import { greater, identity } from './masks.ts';

export interface ConsistencyOptions {
  /** τ: sharpens what is to be predicted where it is below 1. */
  readonly temperature: number;
  /** β: photos of which no class is more probable than that do not count. */
  readonly threshold: number;
}

export interface Consistency {
  /** [1] */
  readonly loss: Tensor;
  /** `[1]`: the share of the photos that count. */
  readonly confident: Tensor;
}

/**
 * Consistency of predictions (§ 2.2, eq. 1, with confidence masking and sharpening of § 2.4): what a classifier says of a strongly augmented
 * photo is to be what it says of the photo itself, if it is sure of that. Logits s of the strong views and t of the photos, f32 [M, K] each, of
 * which t is a constant:
 *
 *   p = softmax(t), q = softmax(t/τ);   loss = 1/M Σ_i 1[max_k p_ik > β] · KL(q_i ‖ softmax(s_i)),   KL(q ‖ r) = Σ_k q_k (log q_k − log r_k)
 *
 * Photos that do not count are in the mean, as 0. The threshold is of p as it is, not sharpened. The gradient is 1[…] (softmax(s) − q)/M.
 */
export function consistency(
  strong: Tensor,
  target: Tensor,
  { temperature, threshold }: ConsistencyOptions,
): Consistency {
  const fit = strong.shape.length === 2 && strong.shape.join() === target.shape.join();
  check(fit, 'consistency', 'logits of views and of photos must be [M, K] both', strong, target);
  const t = detach(target);
  const logQ = logSoftmax(div(t, temperature));
  const divergence = sum(mul(exp(logQ), sub(logQ, logSoftmax(strong))), 1);
  const counts = greater(exp(amax(logSoftmax(t), 1)), constant('threshold', Float32Array.of(threshold), [1]));
  return { loss: mean(mul(counts, divergence)), confident: mean(counts) };
}

export const annealings = ['none', 'linear', 'log', 'exp'] as const;
export type Annealing = (typeof annealings)[number];

/**
 * Training signal annealing (§ 2.4): the probability η from which on labelled images count no longer, at a share of the run from 0 to 1:
 *
 *   η = α (1 − 1/K) + 1/K;   α is the share (linear), 1 − exp(−5 share) (log), or exp(5 (share − 1)) (exp)
 *
 * exp holds labels back until late, for models that learn few of them by heart soon; log lets them go early.
 */
export function annealedThreshold(annealing: Exclude<Annealing, 'none'>, share: number, classes: number): number {
  const alpha = { linear: share, log: 1 - Math.exp(-5 * share), exp: Math.exp(5 * (share - 1)) }[annealing];
  return alpha * (1 - 1 / classes) + 1 / classes;
}

export interface AnnealedCrossEntropy {
  /** [1] */
  readonly loss: Tensor;
  /** `[1]`: the share of the images that count. */
  readonly counted: Tensor;
}

/**
 * Softmax cross-entropy of those images whose own class is not yet as probable as η, f32 [1]: logits [N, K], labels u32 [N].
 *
 *   loss = Σ_i 1[p_i ≤ η] · (−log p_i) / max(1, Σ_i 1[p_i ≤ η]),   p_i = softmax(logits_i)_label
 */
export function annealedCrossEntropy(logits: Tensor, labels: Tensor, threshold: Tensor): AnnealedCrossEntropy {
  const fit = logits.shape.length === 2 && labels.shape.join() === `${logits.shape[0]}`;
  check(fit, 'annealed_cross_entropy', 'logits must be [N, K], with a label for each row', logits, labels);
  const oneHot = gatherRows(identity(logits.shape[1]), labels);
  const logP = sum(mul(oneHot, logSoftmax(logits)), 1);
  const counts = sub(1, greater(exp(detach(logP)), threshold));
  const loss = div(neg(sum(mul(counts, logP))), maximum(sum(counts), 1));
  return { loss, counted: mean(counts) };
}
