import type { Tensor } from '../graph/tensor.ts';
import { add } from '../ops/add.ts';
import { mul, sub } from '../ops/binary.ts';
import { mean } from '../ops/reduce.ts';
import { neg, softplus } from '../ops/unary.ts';
import { alike } from './distance.ts';

/**
 * Binary cross-entropy of logits x with targets t in [0, 1], `torch.nn.functional.binary_cross_entropy_with_logits`: the mean over
 * all elements of two tensors of one shape, f32 or f16, as f32 [1], of
 *
 *   −t log σ(x) − (1 − t) log σ(−x) = t · softplus(−x) + (1 − t) · softplus(x)
 *
 * Nothing cancels in it: a small loss of a large logit keeps its digits.
 */
export function bceWithLogits(logits: Tensor, targets: Tensor): Tensor {
  const [x, t] = alike('bce_with_logits', logits, targets);
  return mean(add(mul(t, softplus(neg(x))), mul(sub(1, t), softplus(x))));
}
