import update from '../../kernels/sgd/update.wgsl';
import updateF16 from '../../kernels/sgd/update_f16.wgsl';
import { grid1d } from '../gpu/kernel.ts';
import { check, type Op, type Tensor } from '../graph/tensor.ts';
import { apply } from '../graph/trace.ts';
import { isFlat } from './check_finite.ts';
import { checkSkipCondition, type F16Update } from './f16_copy.ts';

export interface SgdAttrs {
  readonly momentum: number;
  readonly weightDecay: number;
  readonly nesterov: boolean;
}

/** The tensors of one update by SGD or LARS, all flat and of one length but the last two. */
export interface MomentumTensors {
  readonly weights: Tensor;
  readonly momentumBuffer: Tensor;
  readonly gradients: Tensor;
  /** f32 [1]: the learning rate. */
  readonly scalars: Tensor;
  /** u32 [1]: nothing is updated while it is not 0 (see `check_finite`). */
  readonly firstNonFinite: Tensor;
  /** With copies of f16: `scalerStep` stands for firstNonFinite. */
  readonly f16?: F16Update;
}

export function checkMomentumTensors(
  op: string,
  [weights, buffer, gradients, scalars, skipCondition]: readonly Tensor[],
  copy?: Tensor,
): void {
  const flat = [weights, buffer, gradients];
  check(isFlat(...flat), op, 'weights, momentum and gradients must be flat tensors of one length', ...flat);
  check(scalars.dtype === 'f32' && scalars.size === 1, op, 'scalars must be f32 [1]', scalars);
  checkSkipCondition(op, weights, skipCondition, copy);
}

/** g += wd·θ;  b = μ b + g (so b = g at the first step, as in PyTorch);  θ −= lr·b, with Nesterov θ −= lr·(g + μ b). */
export const sgdOp: Op<SgdAttrs> = {
  name: 'sgd',
  infer(inputs) {
    checkMomentumTensors('sgd', inputs, inputs[5]);
    return [];
  },
  launches({ inputs: [weights, momentum_buffer, gradients, scalars, skipCondition, copy], attrs }) {
    const shared = { weights, momentum_buffer, gradients, scalars };
    return [
      {
        kernel: copy ? updateF16 : update,
        bindings: copy
          ? { ...shared, scaler_step: skipCondition, half_weights: copy }
          : { ...shared, first_non_finite: skipCondition },
        params: {
          quads: weights.size / 4,
          momentum: attrs.momentum,
          decay: attrs.weightDecay,
          nesterov: Number(attrs.nesterov),
        },
        workgroups: grid1d(weights.size / 4, 64),
        flops: 6 * weights.size,
      },
    ];
  },
  mutates: (_attrs, { length }) => (length > 5 ? [0, 1, 5] : [0, 1]),
};

/** Records one update of flat weights and their momentum by SGD. */
export function sgdUpdate(
  { weights, momentumBuffer, gradients, scalars, firstNonFinite, f16 }: MomentumTensors,
  attrs: SgdAttrs,
): void {
  const last = f16 ? [f16.scalerStep, f16.copy] : [firstNonFinite];
  apply(sgdOp, [weights, momentumBuffer, gradients, scalars, ...last], attrs);
}
