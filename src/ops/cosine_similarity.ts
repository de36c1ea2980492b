import { check, type Tensor } from '../graph/tensor.ts';
import { l2Normalize } from './l2_normalize.ts';
import { matmul } from './matmul.ts';

/** s[m, n] = a_m · b_n / (‖a_m‖ ‖b_n‖) for a [M, D] and b [N, D]: two normalisations and a product, whose gradients are their own. */
export function cosineSimilarity(a: Tensor, b: Tensor): Tensor {
  const fit = a.shape.length === 2 && b.shape.length === 2 && a.shape[1] === b.shape[1];
  check(fit, 'cosine_similarity', 'a [M, D] and b [N, D] must have rows of one length', a, b);
  const left = l2Normalize(a);
  return matmul(left, a === b ? left : l2Normalize(b), { transposeB: true });
}
