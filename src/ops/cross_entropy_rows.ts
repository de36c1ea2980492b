import forward from '../../kernels/cross_entropy_rows/forward.wgsl';
import { grid1d } from '../gpu/kernel.ts';
import type { Op, Tensor } from '../graph/tensor.ts';
import { apply } from '../graph/trace.ts';
import { checkLabels, crossEntropyBackwardOp } from './cross_entropy.ts';

/** losses_m = lse_m − x_m,label, right_m = 1 where the first largest logit is the label's. lse [M] is saved for the gradient. */
const crossEntropyRowsOp: Op<null> = {
  name: 'cross_entropy_rows',
  infer([logits, labels]) {
    checkLabels('cross_entropy_rows', logits, labels);
    const each = { shape: labels.shape, dtype: 'f32' } as const;
    return [each, each, each];
  },
  launches({ inputs: [logits, labels], outputs: [losses, right, lse] }) {
    const [rows, columns] = logits.shape;
    return [
      {
        kernel: forward,
        bindings: { logits, labels, losses, right, lse },
        params: { rows, columns },
        workgroups: grid1d(rows, 64),
      },
    ];
  },
  gradient: ({ inputs: [logits, labels], outputs: [, , lse] }, [dlosses]) => [
    dlosses && apply(crossEntropyBackwardOp, [dlosses, logits, labels, lse], null)[0],
  ],
};

/**
 * Softmax cross-entropy of each row of logits [M, C], f32, with labels [M] (i32 or u32, from 0 to C − 1), as
 * `torch.nn.functional.cross_entropy(…, reduction='none')`: losses [M], and `right` [M], 1 where the first largest logit is the label's, which
 * has no gradient. A label outside 0 … C − 1 makes its loss NaN.
 */
export function crossEntropyRows(logits: Tensor, labels: Tensor): { readonly losses: Tensor; readonly right: Tensor } {
  const [losses, right] = apply(crossEntropyRowsOp, [logits, labels], null);
  return { losses, right };
}
