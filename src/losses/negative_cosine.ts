import type { Tensor } from '../graph/tensor.ts';
import { mul } from '../ops/binary.ts';
import { detach } from '../ops/detach.ts';
import { l2Normalize } from '../ops/l2_normalize.ts';
import { mean, sum } from '../ops/reduce.ts';
import { neg } from '../ops/unary.ts';

/**
 * −mean_i cos(p_i, z_i) of predictions p [N, D] and targets z [N, D], which are constants to it: D(p, stopgrad(z)) of SimSiam (Chen & He,
 * 2021, eq. 1). f32 [1], in [−1, 1]; −1 where all point the same way. BYOL's ‖p̂ − ẑ‖² (Grill et al., 2020, eq. 2) is 2 + 2 of it.
 */
export function negativeCosine(p: Tensor, z: Tensor): Tensor {
  const cosines = mul(l2Normalize(p), l2Normalize(detach(z)));
  return neg(mean(sum(cosines, 1)));
}
