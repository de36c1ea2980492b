import rank from '../../kernels/rank_rows/forward.wgsl';
import rankU32 from '../../kernels/rank_rows/forward_u32.wgsl';
import { grid1d } from '../gpu/kernel.ts';
import { check, type Op, type Tensor } from '../graph/tensor.ts';
import { apply } from '../graph/trace.ts';

/** y[m, c] = how many of x[m, :] are less than x[m, c], or equal to it and left of it. C² comparisons a row. */
export const rankRowsOp: Op<null> = {
  name: 'rank_rows',
  infer([x]) {
    const holds = x.shape.length === 2 && (x.dtype === 'f32' || x.dtype === 'u32');
    check(holds, 'rank_rows', 'the input must be a matrix of f32 or u32', x);
    return [{ shape: x.shape, dtype: 'u32' }];
  },
  launches: ({ inputs: [x], outputs: [y] }) => [
    {
      kernel: x.dtype === 'u32' ? rankU32 : rank,
      bindings: { x, y },
      params: { columns: x.shape[1], size: x.size },
      workgroups: grid1d(x.size, 64),
      flops: x.size * x.shape[1],
    },
  ],
};

/**
 * As `torch.argsort(torch.argsort(x, dim=1, stable=True), dim=1)`: the place of each element in its row in ascending
 * order, for x [M, C] of f32 or u32 → u32 [M, C], a permutation of 0 … C − 1 unless there is a NaN. It has no gradient.
 */
export const rankRows = (x: Tensor): Tensor => apply(rankRowsOp, [x], null)[0];
