import type { Tensor } from '../graph/tensor.ts';
import { add } from './add.ts';
import { amax } from './amax.ts';
import { sub } from './binary.ts';
import { detach } from './detach.ts';
import { type ReducedAxes, reduceAttrs, sum } from './reduce.ts';
import { reshape } from './reshape.ts';
import { exp, log } from './unary.ts';

/**
 * As `torch.logsumexp`: log Σ exp x along one axis or neighbouring ones, or of all elements → [1]. The largest is taken out of the sum, so
 * that no exponential overflows; its gradient is the softmax.
 */
export function logSumExp(x: Tensor, axis?: ReducedAxes): Tensor {
  const { shape } = reduceAttrs('logsumexp', x, axis, {});
  const largest = detach(amax(x, axis, { keepdim: true }));
  const rest = log(sum(exp(sub(x, largest)), axis, { keepdim: true }));
  return reshape(add(rest, largest), shape);
}
