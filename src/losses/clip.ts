import type { Tensor } from '../graph/tensor.ts';
import { add } from '../ops/add.ts';
import { mul } from '../ops/binary.ts';
import { infoNce } from './info_nce.ts';

/** What `clipLoss` computes. */
export interface ClipLoss {
  /** [1] */
  readonly loss: Tensor;
  /** `[1]`: the share of images whose own text is the most similar of the batch. */
  readonly imageToText: Tensor;
  /** `[1]`: the share of texts whose own image is. */
  readonly textToImage: Tensor;
}

/**
 * CLIP's loss (Radford et al., 2021, figure 3): cross-entropy of images that have to find their texts and of texts that have to find
 * their images, half of each, by logits image · textᵀ [N, N] whose diagonal belongs together.
 *
 * @param image embeddings of length one times 1/τ, [N, D]: as `LogitScale` gives them, which gets its gradient through them
 * @param text embeddings of length one, [N, D]
 */
export function clipLoss(image: Tensor, text: Tensor): ClipLoss {
  const [there, back] = [infoNce(image, text, { temperature: 1 }), infoNce(text, image, { temperature: 1 })];
  return {
    loss: mul(add(there.loss, back.loss), 0.5),
    imageToText: there.accuracy,
    textToImage: back.accuracy,
  };
}
