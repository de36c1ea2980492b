import update from '../../kernels/sgd/update.wgsl';
import updateF16 from '../../kernels/sgd/update_f16.wgsl';
import { grid1d } from '../gpu/kernel.ts';
import { check, type Op, type Tensor } from '../graph/tensor.ts';
import { apply } from '../graph/trace.ts';
import { checkRates, isFlat } from './check_finite.ts';
import { checkSkipCondition, type F16Update } from './f16_copy.ts';

export interface SgdAttrs {
  readonly momentum: number;
  readonly nesterov: boolean;
}

/** The tensors of one update by SGD or LARS; weights, momentum and gradients are flat and of one length. */
export interface MomentumTensors {
  readonly weights: Tensor;
  readonly momentumBuffer: Tensor;
  readonly gradients: Tensor;
  /** f32 [R, 2]: rows [learning rate, weight decay]. */
  readonly scalars: Tensor;
  /** u32 [1]: nothing is updated while it is not 0 (see `check_finite`). */
  readonly firstNonFinite: Tensor;
  /** With copies of f16: `scalerStep` stands for firstNonFinite. */
  readonly f16?: F16Update;
}

export interface SgdTensors extends MomentumTensors {
  /** u32 [blocks]: the row of `scalars` for each block of `flatAlignment` elements. */
  readonly rows: Tensor;
}

export function checkMomentumTensors(
  op: string,
  [weights, buffer, gradients, scalars]: readonly Tensor[],
  skipCondition: Tensor,
  copy?: Tensor,
): void {
  const flat = [weights, buffer, gradients];
  check(isFlat(...flat), op, 'weights, momentum and gradients must be flat tensors of one length', ...flat);
  const pairs = scalars.dtype === 'f32' && scalars.shape.length === 2 && scalars.shape[1] === 2;
  check(pairs, op, 'scalars must be f32 [rows, 2]', scalars);
  checkSkipCondition(op, weights, skipCondition, copy);
}

/** g += wd·θ;  b = μ b + g (so b = g at the first step, as in PyTorch);  θ −= lr·b, with Nesterov θ −= lr·(g + μ b). */
export const sgdOp: Op<SgdAttrs> = {
  name: 'sgd',
  infer(inputs) {
    checkMomentumTensors('sgd', inputs, inputs[5], inputs[6]);
    checkRates('sgd', inputs[0], inputs[3], inputs[4], 2);
    return [];
  },
  launches({ inputs: [weights, momentum_buffer, gradients, scalars, rows, skipCondition, copy], attrs }) {
    const shared = { weights, momentum_buffer, gradients, scalars, rows };
    return [
      {
        kernel: copy ? updateF16 : update,
        bindings: copy
          ? { ...shared, scaler_step: skipCondition, half_weights: copy }
          : { ...shared, first_non_finite: skipCondition },
        params: {
          quads: weights.size / 4,
          momentum: attrs.momentum,
          nesterov: Number(attrs.nesterov),
        },
        workgroups: grid1d(weights.size / 4, 64),
        flops: 6 * weights.size,
      },
    ];
  },
  mutates: (_attrs, { length }) => (length > 6 ? [0, 1, 6] : [0, 1]),
};

/** Records one update of flat weights and their momentum by SGD. */
export function sgdUpdate(
  { weights, momentumBuffer, gradients, scalars, rows, firstNonFinite, f16 }: SgdTensors,
  attrs: SgdAttrs,
): void {
  const last = f16 ? [f16.scalerStep, f16.copy] : [firstNonFinite];
  apply(sgdOp, [weights, momentumBuffer, gradients, scalars, rows, ...last], attrs);
}
