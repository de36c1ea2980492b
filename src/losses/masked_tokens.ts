/** The loss of tokens that are to be filled in (Devlin et al., 2019). */
import { check, type Tensor } from '../graph/tensor.ts';
import { div, maximum, mul } from '../ops/binary.ts';
import { crossEntropyRows } from '../ops/cross_entropy_rows.ts';
import { sum } from '../ops/reduce.ts';

/** What `maskedTokenLoss` computes. */
export interface MaskedTokenLoss {
  /** `[1]`: Σ w_r (−log softmax(logits_r) at the token) / Σ w_r. */
  readonly loss: Tensor;
  /** `[1]`: the share of tokens, by weights, whose logit is the first largest. */
  readonly accuracy: Tensor;
}

/**
 * Cross-entropy over the tokens that were chosen: logits [R, V] f32, tokens u32 [R], weights f32 [R], 1 for a row of a chosen token and 0 for
 * one that there is none for, whose gradient is 0. 0 where none was chosen.
 */
export function maskedTokenLoss(logits: Tensor, tokens: Tensor, weights: Tensor): MaskedTokenLoss {
  check(weights.size === tokens.size, 'masked_tokens', 'there must be a weight for each token', weights, tokens);
  const { losses, right } = crossEntropyRows(logits, tokens);
  const total = maximum(sum(weights), 1);
  const average = (values: Tensor) => div(sum(mul(values, weights)), total);
  return { loss: average(losses), accuracy: average(right) };
}
