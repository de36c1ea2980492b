import { check, type Tensor } from '../graph/tensor.ts';
import { add } from '../ops/add.ts';
import { div, maximum, mul, sub } from '../ops/binary.ts';
import { detach } from '../ops/detach.ts';
import { l2Normalize } from '../ops/l2_normalize.ts';
import { logSumExp } from '../ops/logsumexp.ts';
import { mean } from '../ops/reduce.ts';
import { exp, log } from '../ops/unary.ts';
import { temperatureOf } from './info_nce.ts';
import { type PairLoss, pairAccuracy, pairSimilarities } from './pairs.ts';

/** Constants of `hardNegativeNtXent`. */
export interface HardNegativeOptions {
  /** τ; f32 [1] where a schedule feeds it. */
  readonly temperature: number | Tensor;
  /** τ⁺: the share of negatives that are taken to be of the view's own class, below 1. */
  readonly tauPlus: number;
  /** β: how much more a similar negative weighs. */
  readonly beta: number;
}

/**
 * NT-Xent with debiased (Chuang et al., 2020, eq. 8) and hard negatives (Robinson et al., 2021, eq. 4) of z [2N, D], row i with row i + N. With
 * s = cosine/τ of a view, s⁺ that of its pair, and the M = 2N − 2 views of other images:
 *
 *   loss = mean −log( e^{s⁺} / (e^{s⁺} + G) ),   G = max( (R − M τ⁺ e^{s⁺}) / (1 − τ⁺), M e^{−1/τ} ),
 *   R = Σ w e^s / mean w,   w = e^{β s}
 *
 * Negatives that are like the view weigh more, as w says, and what views of its own class add to them is taken off; G is no less than what it
 * can be. The gradient passes through w, as in the authors' program. β = 0 is the debiased loss, and NT-Xent where τ⁺ is 0 too.
 *
 * All of it is divided by the larger of R and e^{s⁺} before an exponential is taken.
 */
export function hardNegativeNtXent(z: Tensor, { temperature, tauPlus, beta }: HardNegativeOptions): PairLoss {
  const unit = l2Normalize(z);
  const pairs = pairSimilarities(unit, 'hard_negative_nt_xent');
  check(tauPlus >= 0 && tauPlus < 1, 'hard_negative_nt_xent', `τ⁺ must be 0 or more and below 1, is ${tauPlus}`, z);
  check(beta >= 0, 'hard_negative_nt_xent', `β must be 0 or more, is ${beta}`, z);
  const tau = temperatureOf(temperature, 'hard_negative_nt_xent', z);
  const [positive, negatives] = [div(pairs.positives, tau), div(pairs.negatives, tau)];
  const count = negatives.shape[1];
  const logR = beta === 0 ? logSumExp(negatives, 1) : weighted(negatives, beta, Math.log(count));
  const scale = detach(maximum(logR, positive));
  const [r, p] = [exp(sub(logR, scale)), exp(sub(positive, scale))];
  const debiased = mul(sub(r, mul(p, count * tauPlus)), 1 / (1 - tauPlus));
  const least = exp(sub(sub(Math.log(count), div(1, tau)), scale));
  const loss = mean(sub(add(log(add(p, maximum(debiased, least))), scale), positive));
  return { loss, accuracy: pairAccuracy(pairs), unit };
}

/** log( Σ w e^s / mean w ) of each row. */
const weighted = (s: Tensor, beta: number, logCount: number): Tensor =>
  add(sub(logSumExp(mul(s, 1 + beta), 1), logSumExp(mul(s, beta), 1)), logCount);

/**
 * Decoupled contrastive loss (Yeh et al., 2022, eq. 6) of z [2N, D], row i with row i + N: NT-Xent whose denominator leaves the positive out,
 * so that the gradient of a pair that is close does not vanish,
 *
 *   loss = mean −s⁺ + log Σ e^s over the 2N − 2 views of other images,   s = cosine/τ
 */
export function decoupledNtXent(z: Tensor, { temperature }: Pick<HardNegativeOptions, 'temperature'>): PairLoss {
  const unit = l2Normalize(z);
  const pairs = pairSimilarities(unit, 'decoupled_nt_xent');
  const tau = temperatureOf(temperature, 'decoupled_nt_xent', z);
  const loss = mean(sub(logSumExp(div(pairs.negatives, tau), 1), div(pairs.positives, tau)));
  return { loss, accuracy: pairAccuracy(pairs), unit };
}
