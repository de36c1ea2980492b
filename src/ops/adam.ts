import update from '../../kernels/adam/update.wgsl';
import updateF16 from '../../kernels/adam/update_f16.wgsl';
import { grid1d } from '../gpu/kernel.ts';
import { check, flatAlignment, type Op, type Tensor } from '../graph/tensor.ts';
import { apply } from '../graph/trace.ts';
import { checkRates, isFlat } from './check_finite.ts';
import { checkSkipCondition, type F16Update } from './f16_copy.ts';

export interface AdamAttrs {
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  /** AdamW: the decay acts on the weights themselves and not through the moments. */
  readonly decoupled: boolean;
}

/** The tensors of one update; weights, moments and gradients are flat and of one length. */
export interface AdamTensors {
  readonly weights: Tensor;
  readonly expAvg: Tensor;
  readonly expAvgSq: Tensor;
  readonly gradients: Tensor;
  /** f32 [R, 4], made in float64 by the host: rows [lr, lr/(1−β₁ᵗ), √(1−β₂ᵗ), weight decay]. */
  readonly scalars: Tensor;
  /** u32 [blocks]: the row of `scalars` for each block of `flatAlignment` elements. */
  readonly rows: Tensor;
  /** u32 [1]: nothing is updated while it is not 0 (see `check_finite`). */
  readonly firstNonFinite: Tensor;
  /**
   * With copies of f16: `scalerStep` stands for firstNonFinite, and of the scalars only lr counts, for the device counts the steps.
   */
  readonly f16?: F16Update;
}

/**
 * g += wd·θ (coupled) or θ *= 1 − lr·wd (decoupled);  m = β₁ m + (1 − β₁) g;  v = β₂ v + (1 − β₂) g²;
 * θ −= lr/(1−β₁ᵗ) · m / (√v/√(1−β₂ᵗ) + ε).
 */
export const adamOp: Op<AdamAttrs> = {
  name: 'adam',
  infer([weights, expAvg, expAvgSq, gradients, scalars, rows, skipCondition, copy]) {
    const flat = [weights, expAvg, expAvgSq, gradients];
    check(isFlat(...flat), 'adam', 'weights, moments and gradients must be flat tensors of one length', ...flat);
    checkRates('adam', weights, scalars, rows, 4);
    checkSkipCondition('adam', weights, skipCondition, copy);
    return [];
  },
  launches({ inputs: [weights, exp_avg, exp_avg_sq, gradients, scalars, rows, skipCondition, copy], attrs }) {
    const shared = { weights, exp_avg, exp_avg_sq, gradients, scalars, rows };
    const { beta1, beta2 } = attrs;
    const workgroups = grid1d(weights.size, flatAlignment);
    return [
      {
        constants: { folded: Number(workgroups[0] * workgroups[1] > weights.size / flatAlignment) },
        kernel: copy ? updateF16 : update,
        bindings: copy
          ? { ...shared, scaler_step: skipCondition, half_weights: copy }
          : { ...shared, first_non_finite: skipCondition },
        params: {
          quads: weights.size / 4,
          beta1,
          rest1: 1 - beta1,
          beta2,
          rest2: 1 - beta2,
          eps: attrs.eps,
          decoupled: Number(attrs.decoupled),
          ...(copy && { log_beta1: Math.log(beta1), log_beta2: Math.log(beta2) }),
        },
        workgroups,
        flops: 16 * weights.size,
      },
    ];
  },
  mutates: (_attrs, { length }) => (length > 7 ? [0, 1, 2, 7] : [0, 1, 2]),
};

/** Records one update of flat weights and moments by Adam. */
export function adamUpdate(
  { weights, expAvg, expAvgSq, gradients, scalars, rows, firstNonFinite, f16 }: AdamTensors,
  attrs: AdamAttrs,
): void {
  const last = f16 ? [f16.scalerStep, f16.copy] : [firstNonFinite];
  apply(adamOp, [weights, expAvg, expAvgSq, gradients, scalars, rows, ...last], attrs);
}
