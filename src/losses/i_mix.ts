import type { Tensor } from '../graph/tensor.ts';
import { add } from '../ops/add.ts';
import { mul, sub } from '../ops/binary.ts';
import { type InfoNce, type InfoNceOptions, infoNce } from './info_nce.ts';

export interface IMixOptions extends Pick<InfoNceOptions, 'temperature' | 'queue'> {
  /** λ, f32 [1]: the share that an image has in its own mixed view. */
  readonly share: Tensor;
  /** u32 [N]: the image that each image is mixed with. */
  readonly partner: Tensor;
}

/**
 * i-Mix (Lee et al., 2021, eq. 3 and algorithm 1): the virtual labels of images, each a class of its own, are mixed as the images are. q
 * [N, D] is of mixed views, k [N, D] of the other views, unmixed:
 *
 *   loss = λ InfoNCE(q, k; target i) + (1 − λ) InfoNCE(q, k; target partner(i))
 *
 * All keys of the batch and of the queue are candidates, as the paper's labels are over both. The accuracy is that of the images themselves.
 */
export function iMix(q: Tensor, k: Tensor, { share, partner, temperature, queue }: IMixOptions): Omit<InfoNce, 'lse'> {
  const options = { temperature, ...(queue && { queue }) };
  const own = infoNce(q, k, options);
  const other = infoNce(q, k, { ...options, target: partner });
  const loss = add(mul(own.loss, share), mul(other.loss, sub(1, share)));
  return { loss, accuracy: own.accuracy };
}
