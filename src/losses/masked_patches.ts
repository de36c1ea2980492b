/** Squared errors of the patches that were hidden (He et al., 2022). */
import { check, type Tensor } from '../graph/tensor.ts';
import { add } from '../ops/add.ts';
import { div, mul, sub } from '../ops/binary.ts';
import { mean, sum } from '../ops/reduce.ts';
import { reshape } from '../ops/reshape.ts';
import { sqrt, square } from '../ops/unary.ts';

/**
 * Patches [N, L, P], each with mean 0 and deviation 1 of its own: (t − mean) / √(variance + eps), the unbiased variance over the P numbers.
 */
export function normalizedPatches(patches: Tensor, eps = 1e-6): Tensor {
  const count = patches.shape[2];
  const centred = sub(patches, mean(patches, 2, { keepdim: true }));
  const variance = mul(mean(square(centred), 2, { keepdim: true }), count / (count - 1));
  return div(centred, sqrt(add(variance, eps)));
}

/**
 * Σ mask · mean((pred − target)²) / Σ mask over patches [N, L, P], f32, with mask [N, L] 1 where a patch was hidden, f32 [1]. The gradient
 * of a patch that was seen is 0.
 */
export function maskedPatchError(pred: Tensor, target: Tensor, mask: Tensor): Tensor {
  check(mask.size * pred.shape[2] === pred.size, 'masked_patches', 'the mask has a number for each patch', mask, pred);
  const errors = mean(square(sub(pred, target)), 2);
  return div(sum(mul(errors, reshape(mask, errors.shape))), sum(mask));
}
