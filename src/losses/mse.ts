import type { Tensor } from '../graph/tensor.ts';
import { mean } from '../ops/reduce.ts';
import { square } from '../ops/unary.ts';
import { difference } from './distance.ts';

/**
 * Mean squared error, `torch.nn.functional.mse_loss`: mean (pred − target)² over all elements of two tensors of one shape, f32 or
 * f16, as f32 [1].
 */
export const mse = (pred: Tensor, target: Tensor): Tensor => mean(square(difference('mse', pred, target)));
