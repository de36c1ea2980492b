import coefficients from '../../kernels/clip_grad_norm/coefficients.wgsl';
import norms from '../../kernels/clip_grad_norm/norms.wgsl';
import scale from '../../kernels/clip_grad_norm/scale.wgsl';
import { grid1d } from '../gpu/kernel.ts';
import { bytesPerElement, check, type Launch, type Op, Scratch, type Tensor } from '../graph/tensor.ts';
import { apply, constant } from '../graph/trace.ts';
import { isFlat } from './check_finite.ts';
import { segments } from './segments.ts';

export interface ClipAttrs {
  readonly maxNorm: number;
  /** One norm over all parameters, or one of each tensor (DINO). */
  readonly per: 'all' | 'tensor';
}

/**
 * g · min(1, maxNorm / (‖g‖ + 1e-6)), the norm over all gradients or over those of a tensor; gradients are scaled by 1 / scalerStep[0],
 * their norm counts without.
 */
export const clipGradNormOp: Op<ClipAttrs> = {
  name: 'clip_grad_norm',
  infer([gradients, chunks, parameters, scalerStep], { maxNorm }) {
    check(isFlat(gradients), 'clip_grad_norm', 'gradients must be a flat f32 tensor', gradients);
    const tables = [chunks, parameters].every(({ dtype, shape }) => dtype === 'u32' && shape[1] === 4);
    check(tables, 'clip_grad_norm', 'chunks and parameters must be u32 [rows, 4]', chunks, parameters);
    const step = scalerStep.dtype === 'f32' && scalerStep.size === 2;
    check(step, 'clip_grad_norm', 'scalerStep must be f32 [2]', scalerStep);
    check(maxNorm > 0, 'clip_grad_norm', `the largest norm must be above 0, it is ${maxNorm}`);
    return [gradients];
  },
  launches({ inputs: [gradients, chunks, parameters, scaler_step], outputs: [clipped], attrs }): Launch[] {
    const count = chunks.shape[0];
    const whole = attrs.per === 'all';
    const ranges = whole ? constant('all chunks', Uint32Array.of(0, count, 0, 0), [1, 4]) : parameters;
    const partials = new Scratch('squared norms of chunks', count * bytesPerElement);
    const factors = new Scratch('coefficients', ranges.shape[0] * bytesPerElement);
    return [
      {
        kernel: norms,
        bindings: { gradients, chunks, partials },
        params: { count },
        workgroups: grid1d(count, 1),
        flops: 2 * gradients.size,
      },
      {
        kernel: coefficients,
        bindings: { partials, ranges, scaler_step, coefficients: factors },
        params: { count: ranges.shape[0], max_norm: attrs.maxNorm },
        workgroups: grid1d(ranges.shape[0], 1),
      },
      {
        kernel: scale,
        bindings: { gradients, chunks, coefficients: factors, clipped },
        params: { count, whole: Number(whole) },
        workgroups: grid1d(count, 1),
        flops: gradients.size,
      },
    ];
  },
};

/**
 * As `torch.nn.utils.clip_grad_norm_`: the flat gradients of a flat variable's members, with a norm of `maxNorm` at most.
 *
 * @param scalerStep f32 [2] of `lossScale`, for scaled gradients
 */
export function clipGradNorm(
  gradients: Tensor,
  weights: Tensor,
  attrs: ClipAttrs,
  scalerStep = constant('no scaler', Float32Array.of(1, 1)),
): Tensor {
  const { chunks, parameters } = segments(weights.members);
  return apply(clipGradNormOp, [gradients, chunks, parameters, scalerStep], attrs)[0];
}
