import update from '../../kernels/loss_scale/update.wgsl';
import { check, type Op, type Tensor } from '../graph/tensor.ts';
import { apply } from '../graph/trace.ts';

export interface LossScaleAttrs {
  /** Good steps in a row after which the scale grows. */
  readonly growthInterval: number;
  readonly growth: number;
  readonly backoff: number;
}

export interface LossScaleTensors {
  /** f32 [1], not scaled. */
  readonly loss: Tensor;
  /** u32 [1]: the number of the step, from 1. */
  readonly step: Tensor;
  /** Variable u32 [1]: not 0 where `check_finite` found a scaled gradient that is not finite. Set back to 0. */
  readonly foundInf: Tensor;
  /** Variable f32 [1]. */
  readonly scale: Tensor;
  /** Variable u32 [3]: good steps since the scale changed, good steps, skipped steps. */
  readonly counts: Tensor;
  /** Variable u32 [1]: the first step that no scale could have saved. */
  readonly firstNonFinite: Tensor;
}

/** The rule of PyTorch's GradScaler; see the kernel. Output: scalerStep f32 [2]. */
export const lossScaleOp: Op<LossScaleAttrs> = {
  name: 'loss_scale',
  infer([loss, step, foundInf, scale, counts, firstNonFinite]) {
    const ones = [step, foundInf, firstNonFinite];
    const scalars = ones.every(({ dtype, size }) => dtype === 'u32' && size === 1);
    check(scalars, 'loss_scale', 'step, foundInf and firstNonFinite must be u32 [1]', ...ones);
    const floats = [loss, scale].every(({ dtype, size }) => dtype === 'f32' && size === 1);
    check(floats, 'loss_scale', 'loss and scale must be f32 [1]', loss, scale);
    check(counts.dtype === 'u32' && counts.size === 3, 'loss_scale', 'counts must be u32 [3]', counts);
    return [{ shape: [2], dtype: 'f32' }];
  },
  launches: ({ inputs: [loss, step, found_inf, scale, counts, first_non_finite], outputs: [scaler_step], attrs }) => [
    {
      kernel: update,
      bindings: { loss, step, found_inf, scale, counts, first_non_finite, scaler_step },
      params: { growth_interval: attrs.growthInterval, growth: attrs.growth, backoff: attrs.backoff },
      workgroups: [1, 1, 1],
    },
  ],
  mutates: () => [2, 3, 4, 5],
};

/**
 * Records the end of a step with scaled gradients, after `check_finite`: sets the next scale; returns `scalerStep` for the
 * optimiser, f32 [2].
 */
export const lossScale = (
  { loss, step, foundInf, scale, counts, firstNonFinite }: LossScaleTensors,
  attrs: LossScaleAttrs,
): Tensor => apply(lossScaleOp, [loss, step, foundInf, scale, counts, firstNonFinite], attrs)[0];
