import scan from '../../kernels/check_finite/scan.wgsl';
import { grid1d } from '../gpu/kernel.ts';
import { check, flatAlignment, type Op, type Tensor } from '../graph/tensor.ts';
import { apply } from '../graph/trace.ts';

/** Whether tensors are f32, of one length, and of a length that flat buffers have. */
export const isFlat = (...tensors: readonly Tensor[]): boolean =>
  tensors.every(
    ({ shape, dtype }) =>
      dtype === 'f32' && shape.length === 1 && shape[0] === tensors[0].size && shape[0] % flatAlignment === 0,
  );

/** Rules of an optimiser's rates: rows of `width` numbers, and for each block of the weights which of them it takes. */
export function checkRates(op: string, weights: Tensor, scalars: Tensor, rows: Tensor, width: number): void {
  const table = scalars.dtype === 'f32' && scalars.shape.length === 2 && scalars.shape[1] === width;
  check(table, op, `scalars must be f32 [rows, ${width}]`, scalars);
  const blocks = weights.size / flatAlignment;
  check(rows.dtype === 'u32' && rows.size === blocks, op, 'rows must be u32, one for each block', rows, weights);
}

/**
 * firstNonFinite = step where firstNonFinite is 0 and the loss or a gradient is NaN or infinite. Steps count from 1, so 0 means
 * none.
 */
export const checkFiniteOp: Op<null> = {
  name: 'check_finite',
  infer([gradients, loss, step, firstNonFinite]) {
    check(isFlat(gradients), 'check_finite', 'gradients must be a flat f32 tensor', gradients);
    check(loss.dtype === 'f32' && loss.size === 1, 'check_finite', 'loss must be f32 [1]', loss);
    check(
      [step, firstNonFinite].every(isOneU32),
      'check_finite',
      'step and firstNonFinite must be u32 [1]',
      step,
      firstNonFinite,
    );
    return [];
  },
  launches: ({ inputs: [gradients, loss, step, first_non_finite] }) => [
    {
      kernel: scan,
      bindings: { gradients, loss, step, first_non_finite },
      params: { quads: gradients.size / 4 },
      workgroups: grid1d(gradients.size / 4, 256),
    },
  ],
  mutates: () => [3],
};

const isOneU32 = ({ dtype, size }: Tensor): boolean => dtype === 'u32' && size === 1;

/**
 * Records a test of the loss and of the flat gradients. The variable `firstNonFinite` (u32 [1]) keeps the first step at which one
 * was not finite; optimisers leave weights and moments alone from then on, so that they stay at their last good values.
 */
export function checkFiniteGradients(gradients: Tensor, loss: Tensor, step: Tensor, firstNonFinite: Tensor): void {
  apply(checkFiniteOp, [gradients, loss, step, firstNonFinite], null);
}
