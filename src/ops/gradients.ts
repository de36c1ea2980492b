import { differentiate } from '../graph/autograd.ts';
import type { Tensor } from '../graph/tensor.ts';
import { add } from './add.ts';

/** Records the nodes that compute the gradients of a scalar `loss` (shape [1]) with respect to `targets`; same shapes, same order. */
export const gradients = (loss: Tensor, targets: readonly Tensor[], seed?: Tensor): Tensor[] =>
  differentiate(loss, targets, add, seed);
