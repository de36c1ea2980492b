/** WCL's loss from labels that the batch gives itself, and what small crops add to it and to InfoNCE. */
import { check, type Tensor } from '../graph/tensor.ts';
import { constant } from '../graph/trace.ts';
import { add } from '../ops/add.ts';
import { mul } from '../ops/binary.ts';
import { l2Normalize } from '../ops/l2_normalize.ts';
import { slice } from '../ops/strided_copy.ts';
import { components, nearestOther } from './components.ts';
import { infoNce } from './info_nce.ts';
import { type SupConOptions, supCon } from './sup_con.ts';

/** What `swap` computes. */
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

/**
 * The same for small crops v [M · N, D]: crop m of image i, in row m · N + i, has the labels of either view: mean_m Σ_j SupCon(Vᵐ; yʲ).
 * Equal embeddings give 2 log(N − 1) here too.
 */
export function swapOfCrops(v: Tensor, labels: Swap['labels'], options: SupConOptions): Tensor {
  const [rows, count] = [v.shape[0], labels[0].size];
  check(rows % count === 0, 'swap_of_crops', `the input must have ${count} rows for each crop`, v);
  const crops = Array.from({ length: rows / count }, (_, m) => slice(v, 0, m * count, (m + 1) * count));
  const losses = crops.flatMap((crop) => labels.map((y) => supCon(crop, y, options)));
  return mul(
    losses.reduce((a, b) => add(a, b)),
    1 / crops.length,
  );
}

/** Small crops z [M · N, D] look for their images among N in either view, z¹ and z² [N, D]: mean_m ½ Σ_j InfoNCE(zᵐ; zʲ). [1] */
export function infoNceOfCrops(z: Tensor, keys: readonly [Tensor, Tensor], { temperature }: SupConOptions): Tensor {
  const [count] = keys[0].shape;
  const target = constant(
    'image of a crop',
    Uint32Array.from({ length: z.shape[0] }, (_, row) => row % count),
  );
  const q = l2Normalize(z);
  const [one, other] = keys.map((key) => infoNce(q, l2Normalize(key), { target, temperature }).loss);
  return mul(add(one, other), 1 / 2);
}
