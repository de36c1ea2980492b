/** Copying by similarity: what one frame's places take from those of other frames (Vondrick et al., 2018, eq. 1–3). */
import { check, type Tensor } from '../graph/tensor.ts';
import { add } from '../ops/add.ts';
import { mul } from '../ops/binary.ts';
import { bmm } from '../ops/bmm.ts';
import { detach } from '../ops/detach.ts';
import { mean, sum } from '../ops/reduce.ts';
import { softmax } from '../ops/softmax.ts';
import { log, neg } from '../ops/unary.ts';

/**
 * A_ij = exp(f_i · g_j / τ) / Σ_k exp(f_i · g_k / τ): how much place i of a target points at place j of its reference.
 *
 * @param target f [N, P, D], f32
 * @param reference g [N, R, D]; the places of several frames one after another
 * @returns [N, P, R], rows sum to 1
 */
export function pointer(target: Tensor, reference: Tensor, { temperature = 1 } = {}): Tensor {
  const [f, g] = [target.shape, reference.shape];
  const fit = f.length === 3 && g.length === 3 && f[0] === g[0] && f[2] === g[2];
  check(fit, 'pointer', 'both inputs must be [N, places, D], with one N and D', target, reference);
  return softmax(bmm(mul(target, 1 / temperature), reference, { transposeB: true }));
}

/**
 * y_i = Σ_j A_ij c_j: what is known of the reference, carried to the target. No gradient passes to what is carried.
 *
 * @param attention A [N, P, R], of `pointer`
 * @param known c [N, R, C]: colours, classes as rows of one 1, the mask of an object
 * @returns [N, P, C]
 */
export const carry = (attention: Tensor, known: Tensor): Tensor => bmm(attention, detach(known));

/** How sure the cross-entropy is that a class is to be found in the reference at all; the rest is divided among all classes. */
const found = 0.99;

/**
 * −mean log((1 − ε) y_c + ε / C) with ε = 0.01 and c the true class: cross-entropy of what was carried. Without ε a colour that the reference
 * does not have, as of what comes into view, had an infinite loss.
 *
 * @param carried y [N, P, C], rows sum to 1
 * @param truth the same shape, a single 1 in each row
 */
export function carriedClasses(carried: Tensor, truth: Tensor): Tensor {
  const likelihood = sum(mul(carried, detach(truth)), 2);
  const floor = (1 - found) / carried.shape[2];
  return mean(neg(log(add(mul(likelihood, found), floor))));
}
