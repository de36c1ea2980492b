import backward from '../../kernels/cross_entropy/backward.wgsl';
import forward from '../../kernels/cross_entropy/forward.wgsl';
import { grid1d } from '../gpu/kernel.ts';
import { bytesPerElement, check, type Op, Scratch, type Tensor } from '../graph/tensor.ts';
import { apply } from '../graph/trace.ts';
import { rowMeanLaunch } from './row_mean.ts';

/**
 * loss = 1/M Σ_m [lse_m − x_m,label], lse_m = log Σ_c exp x_mc; accuracy: the share of rows whose first largest logit is the label's.
 * lse [M] is saved for the gradient. A label outside 0 … C − 1 makes the loss NaN.
 */
export const crossEntropyOp: Op<null> = {
  name: 'cross_entropy',
  infer([logits, labels]) {
    checkLabels('cross_entropy', logits, labels);
    return [
      { shape: [1], dtype: 'f32' },
      { shape: [1], dtype: 'f32' },
      { shape: labels.shape, dtype: 'f32' },
    ];
  },
  launches({ inputs: [logits, labels], outputs: [loss, accuracy, lse] }) {
    const [rows, columns] = logits.shape;
    const stats = new Scratch('cross_entropy rows', rows * 2 * bytesPerElement);
    return [
      {
        kernel: forward,
        bindings: { logits, labels, lse, stats },
        params: { rows, columns },
        workgroups: grid1d(rows, 64),
      },
      rowMeanLaunch(stats, rows, loss, accuracy),
    ];
  },
  gradient: ({ inputs: [logits, labels], outputs: [, , lse] }, [dloss]) => [
    dloss && apply(crossEntropyBackwardOp, [dloss, logits, labels, lse], null)[0],
  ],
};

/** Logits are a matrix, and there is a label for each row. */
export function checkLabels(op: string, logits: Tensor, labels: Tensor): void {
  check(logits.shape.length === 2 && logits.dtype === 'f32', op, 'logits must be a f32 matrix', logits);
  const fit = labels.shape.join() === `${logits.shape[0]}` && labels.dtype !== 'f32';
  check(fit, op, 'labels must be one integer for each row of the logits', labels, logits);
}

/** dlogits = dloss (softmax − onehot) / M, of the gradient of the mean [1]; of those of all rows [M], dlogits_m = dloss_m (softmax − onehot). */
export const crossEntropyBackwardOp: Op<null> = {
  name: 'cross_entropy_backward',
  infer: ([, logits]) => [logits],
  launches({ inputs: [dloss, logits, labels, lse], outputs: [dlogits] }) {
    const [rows, columns] = logits.shape;
    const ofMean = dloss.size === 1;
    return [
      {
        kernel: backward,
        bindings: { dloss, logits, labels, lse, dlogits },
        params: { rows, columns, step: Number(!ofMean), divisor: ofMean ? rows : 1 },
        workgroups: grid1d(logits.size, 64),
      },
    ];
  },
};

/**
 * Mean softmax cross-entropy of logits [M, C] and labels [M] (i32 or u32, from 0 to C − 1). Returns the loss [1], the top-1
 * accuracy [1] and the log-sum-exp of each row [M].
 */
export function crossEntropy(logits: Tensor, labels: Tensor): { loss: Tensor; accuracy: Tensor; lse: Tensor } {
  const [loss, accuracy, lse] = apply(crossEntropyOp, [logits, labels], null);
  return { loss, accuracy, lse };
}
