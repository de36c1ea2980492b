import { check, type Tensor } from '../graph/tensor.ts';
import { minimum, mul, sub } from '../ops/binary.ts';
import { mean } from '../ops/reduce.ts';
import { abs } from '../ops/unary.ts';
import { difference } from './distance.ts';

/**
 * `torch.nn.functional.smooth_l1_loss` (Girshick, 2015): with d = |pred − target| of two tensors of one shape, f32 or
 * f16, the mean over all elements, as f32 [1], of
 *
 *   d² / 2β where d < β, else d − β / 2,   which is m (d − m/2) / β with m = min(d, β)
 */
export function smoothL1(pred: Tensor, target: Tensor, { beta = 1 }: { readonly beta?: number } = {}): Tensor {
  check(beta > 0, 'smooth_l1', `beta must be above 0, is ${beta}`, pred, target);
  const d = abs(difference('smooth_l1', pred, target));
  const m = minimum(d, beta);
  return mul(mean(mul(m, sub(d, mul(m, 0.5)))), 1 / beta);
}
