import type { Op, Tensor } from '../graph/tensor.ts';
import { apply } from '../graph/trace.ts';

/** y = x, and no gradient reaches x: the stop-gradient of BYOL, SimSiam and MoCo. */
export const detachOp: Op<null> = {
  name: 'detach',
  infer: ([x]) => [x],
  launches: () => [],
  gradient: () => [],
  storage: 'view',
};

/** As `torch.detach`: the same values, a constant to whoever differentiates. No memory moves. */
export const detach = (x: Tensor): Tensor => apply(detachOp, [x], null)[0];
