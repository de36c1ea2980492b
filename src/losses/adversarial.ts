import type { Tensor } from '../graph/tensor.ts';
import { add } from '../ops/add.ts';
import { heaviside } from '../ops/binary.ts';
import { mean } from '../ops/reduce.ts';
import { neg, softplus } from '../ops/unary.ts';

/** The loss of a discriminator, and the two terms that it is made of; f32 [1] each. */
export interface DiscriminatorLoss {
  readonly loss: Tensor;
  readonly real: Tensor;
  readonly fake: Tensor;
}

/**
 * What a discriminator D = σ(logit) minimises (Goodfellow et al., 2014, eq. 1), of logits of real and of made images, any shape:
 *
 *   mean(−log D(x)) + mean(−log(1 − D(x̃))),   −log σ(a) = softplus(−a),   −log(1 − σ(a)) = softplus(a)
 *
 * 2 log 2 where it cannot tell them apart.
 */
export function discriminatorLoss(real: Tensor, fake: Tensor): DiscriminatorLoss {
  const [ofReal, ofFake] = [mean(softplus(neg(real))), mean(softplus(fake))];
  return { loss: add(ofReal, ofFake), real: ofReal, fake: ofFake };
}

/**
 * What a generator minimises, of the discriminator's logits of its images: mean(−log D(x̃)), which does not saturate where the
 * discriminator is sure, as mean(log(1 − D(x̃))) does (Goodfellow et al., 2014, §3). log 2 where the discriminator cannot tell.
 */
export const generatorLoss = (fake: Tensor): Tensor => mean(softplus(neg(fake)));

/** The share of images that the discriminator takes for real: those whose logit is above 0, and half of those where it is 0; f32 [1]. */
export const takenForReal = (logits: Tensor): Tensor => mean(heaviside(logits, 0));
