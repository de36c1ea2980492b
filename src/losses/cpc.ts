import { check, type Tensor } from '../graph/tensor.ts';
import { sub } from '../ops/binary.ts';
import { mean } from '../ops/reduce.ts';
import { reshape } from '../ops/reshape.ts';
import { concat, slice } from '../ops/strided_copy.ts';
import { infoNce } from './info_nce.ts';

/** Which steps `cpc` has predicted. */
export interface CpcOptions {
  /** Steps that follow a context and are not predicted, such as those that overlap what it has seen; 0 by default. */
  readonly skip?: number;
}

/** What `cpc` computes. */
export interface Cpc {
  /** `[1]`: the mean over k of InfoNCE. */
  readonly loss: Tensor;
  /** `[1]`: the mean over k of the share of predictions whose target scores highest among all candidates. */
  readonly accuracy: Tensor;
  /** `[1]`: the mean over k of log M_k − loss_k, a lower bound of the mutual information of context and target, in nats; at most log M_k. */
  readonly informationBound: Tensor;
  /** The accuracy of each k, [1]. */
  readonly accuracies: readonly Tensor[];
}

/** How many candidates a prediction has, M_k: for k = 1 … `predictions` of N sequences of T steps, N (T − skip − k). */
export const cpcCandidates = (sequences: number, steps: number, predictions: number, { skip = 0 }: CpcOptions = {}) =>
  Array.from({ length: predictions }, (_, i) => sequences * (steps - skip - (i + 1)));

/**
 * Contrastive predictive coding (van den Oord et al., 2018, eq. 4). Of N sequences z [N, T, D], what was seen up to step t predicts the
 * steps that follow: p_k [N, T − skip − k, D] for k = 1 … K, usually W_k c_t of contexts c. The k-th prediction of each context has to
 * find its target among all that there are for this k, of its own sequence and of the others:
 *
 *   loss = mean_k mean_nt −log( exp(p_k,nt · z_n,t+skip+k) / Σ_mu exp(p_k,nt · z_m,u+skip+k) )
 *
 * f32 all; neither side is normalised, and the matrix of scores is never stored.
 */
export function cpc(z: Tensor, predictions: readonly Tensor[], { skip = 0 }: CpcOptions = {}): Cpc {
  const [n, steps, d] = z.shape;
  const candidates = cpcCandidates(n, steps, predictions.length, { skip });
  const rowsOf = (x: Tensor) => reshape(x, [x.size / d, d]);
  const compared = predictions.map((prediction, i) => {
    const first = skip + i + 1;
    const fits = prediction.shape.join() === [n, steps - first, d].join();
    check(fits, 'cpc', `the predictions of what follows by ${first} steps must be [N, T − ${first}, D]`, prediction, z);
    return infoNce(rowsOf(prediction), rowsOf(slice(z, 1, first)), { temperature: 1 });
  });
  const average = (parts: readonly Tensor[]) => mean(concat(parts, 0));
  const accuracies = compared.map(({ accuracy }) => accuracy);
  const loss = average(compared.map((each) => each.loss));
  const guessed = candidates.reduce((sum, count) => sum + Math.log(count), 0) / candidates.length;
  return { loss, accuracy: average(accuracies), informationBound: sub(guessed, loss), accuracies };
}
