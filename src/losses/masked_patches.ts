/** Squared errors of the patches that were hidden (He et al., 2022). */
import { check, type Tensor } from '../graph/tensor.ts';
import { add } from '../ops/add.ts';
import { div, mul, sub } from '../ops/binary.ts';
import { mean, sum } from '../ops/reduce.ts';
import { reshape } from '../ops/reshape.ts';
import { sqrt, square } from '../ops/unary.ts';

/** Mean of each patch of [N, L, P]: [N, L, 1]. */
export const patchMeans = (patches: Tensor): Tensor => mean(patches, 2, { keepdim: true });

/** √(variance + eps) of each patch [N, L, 1], of the unbiased variance over its P numbers. */
export function patchDeviations(patches: Tensor, eps = 1e-6): Tensor {
  const count = patches.shape[2];
  const variance = mean(square(sub(patches, patchMeans(patches))), 2, { keepdim: true });
  return sqrt(add(mul(variance, count / (count - 1)), eps));
}

/** Patches [N, L, P], each with mean 0 and deviation 1 of its own. */
export const normalizedPatches = (patches: Tensor, eps = 1e-6): Tensor =>
  div(sub(patches, patchMeans(patches)), patchDeviations(patches, eps));

/**
 * Σ mask · mean((pred − target)²) / Σ mask over patches [N, L, P], f32, with mask [N, L] 1 where a patch was hidden, f32 [1]. The gradient
 * of a patch that was seen is 0.
 */
export function maskedPatchError(pred: Tensor, target: Tensor, mask: Tensor): Tensor {
  check(mask.size * pred.shape[2] === pred.size, 'masked_patches', 'the mask has a number for each patch', mask, pred);
  const errors = mean(square(sub(pred, target)), 2);
  return div(sum(mul(errors, reshape(mask, errors.shape))), sum(mask));
}
