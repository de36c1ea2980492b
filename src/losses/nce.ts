import { check, type Tensor } from '../graph/tensor.ts';
import { constant } from '../graph/trace.ts';
import { add } from '../ops/add.ts';
import { div, sub } from '../ops/binary.ts';
import { detach } from '../ops/detach.ts';
import { l2Normalize } from '../ops/l2_normalize.ts';
import { logSumExp } from '../ops/logsumexp.ts';
import { expand, mean, sum } from '../ops/reduce.ts';
import { neg, softplus } from '../ops/unary.ts';
import { temperatureOf } from './info_nce.ts';
import { type PairLoss, pairAccuracy, pairSimilarities } from './pairs.ts';

/** Logarithms of densities: of the model p and of the noise q, at data [N] and at k samples of the noise for each [N, k]; f32. */
export interface NceDensities {
  readonly logPData: Tensor;
  readonly logQData: Tensor;
  readonly logPNoise: Tensor;
  readonly logQNoise: Tensor;
}

/**
 * Noise-contrastive estimation (Gutmann & Hyvärinen, 2010, eq. 3): a logistic regression that tells data from noise, in which the model's
 * density, normalised or not, is what is fitted. With ℓ = log p − log(k q):
 *
 *   loss = −mean_n [ log σ(ℓ_n) + Σ_k log σ(−ℓ_nk) ],   f32 [1]
 */
export function nce({ logPData, logQData, logPNoise, logQNoise }: NceDensities): Tensor {
  const [count, samples] = logPNoise.shape;
  const fit = logPNoise.shape.length === 2 && logPData.shape.join() === `${count}`;
  check(fit, 'nce', 'densities must be [N] of the data and [N, k] of the noise', logPData, logPNoise);
  const logit = (logP: Tensor, logQ: Tensor) => {
    check(logP.shape.join() === logQ.shape.join(), 'nce', 'p and q must be of the same points', logP, logQ);
    return sub(sub(logP, logQ), Math.log(samples));
  };
  const ofData = softplus(neg(logit(logPData, logQData)));
  return mean(add(ofData, sum(softplus(logit(logPNoise, logQNoise)), 1)));
}

/**
 * Noise-contrastive estimation of z [2N, D], row i with row i + N: a view's pair is data, the M = 2N − 2 views of other images are samples of the
 * noise, which draws each with probability 1/M. The model is p = e^{cosine/τ} / Z with the Z that makes it 1 on the noise of the batch, a
 * constant to the gradient (Wu et al., 2018, §3.2, keep that of their first batch):
 *
 *   ℓ = cosine/τ − log mean_noise e^{cosine/τ} − log M
 */
export function nceOfPairs(z: Tensor, { temperature }: { readonly temperature: number | Tensor }): PairLoss {
  const unit = l2Normalize(z);
  const pairs = pairSimilarities(unit, 'nce');
  const tau = temperatureOf(temperature, 'nce', z);
  const [positives, negatives] = [div(pairs.positives, tau), div(pairs.negatives, tau)];
  const normalizer = detach(sub(logSumExp(negatives), Math.log(negatives.size)));
  const zeros = ({ shape }: Tensor) => expand(constant('log of the noise', new Float32Array(1)), shape);
  const loss = nce({
    ...{ logPData: sub(positives, normalizer), logQData: zeros(positives) },
    ...{ logPNoise: sub(negatives, normalizer), logQNoise: zeros(negatives) },
  });
  return { loss, accuracy: pairAccuracy(pairs), unit };
}
