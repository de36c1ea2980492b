import type { Tensor } from '../graph/tensor.ts';
import { add } from '../ops/add.ts';
import { components, nearestOther } from './components.ts';
import { type SupConOptions, supCon } from './sup_con.ts';

export interface Swap {
  /** [1] */
  readonly loss: Tensor;
  /** y¹ and y², u32 [N] each: the components of either view. They are constants to whoever differentiates. */
  readonly labels: readonly [Tensor, Tensor];
}

/**
 * WCL's weakly supervised loss (Zheng et al., 2021, § 3.3) of embeddings v¹ and v² [N, D] of two views, which need not have length one:
 * the components of the nearest-neighbour graph of either view are the labels that supervise the other one, so that no view learns
 * what it says itself.
 *
 *   loss = SupCon(V¹; y²) + SupCon(V²; y¹)
 *
 * Each view is compared with itself only: the other rows of N are positives and negatives. Equal embeddings give 2 log(N − 1).
 */
export function swap(v1: Tensor, v2: Tensor, options: SupConOptions): Swap {
  const labels = [components(nearestOther(v1)), components(nearestOther(v2))] as const;
  return { loss: add(supCon(v1, labels[1], options), supCon(v2, labels[0], options)), labels };
}
