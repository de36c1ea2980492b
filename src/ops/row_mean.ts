import forward from '../../kernels/row_mean/forward.wgsl';
import type { Launch, Scratch, Tensor } from '../graph/tensor.ts';

/** The launch that ends a loss: the means over `stats` [rows], pairs (loss, 1 or 0 for right or wrong), as loss [1] and accuracy [1]. */
export const rowMeanLaunch = (stats: Scratch, rows: number, loss: Tensor, accuracy: Tensor): Launch => ({
  kernel: forward,
  bindings: { stats, loss, accuracy },
  params: { rows },
  workgroups: [1, 1, 1],
});
