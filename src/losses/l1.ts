import type { Tensor } from '../graph/tensor.ts';
import { mean } from '../ops/reduce.ts';
import { abs } from '../ops/unary.ts';
import { difference } from './distance.ts';

/**
 * Mean absolute error, `torch.nn.functional.l1_loss`: mean |pred − target| over all elements of two tensors of one shape, f32 or
 * f16, as f32 [1]. Its gradient is 0 where they are equal.
 */
export const l1 = (pred: Tensor, target: Tensor): Tensor => mean(abs(difference('l1', pred, target)));
