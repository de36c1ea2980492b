import { check, type Tensor } from '../graph/tensor.ts';
import { add } from '../ops/add.ts';
import { sub } from '../ops/binary.ts';
import { mean, sum } from '../ops/reduce.ts';
import { neg, softplus } from '../ops/unary.ts';

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
