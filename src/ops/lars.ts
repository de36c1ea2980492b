import norms from '../../kernels/lars/norms.wgsl';
import normsScaled from '../../kernels/lars/norms_scaled.wgsl';
import trust from '../../kernels/lars/trust.wgsl';
import update from '../../kernels/lars/update.wgsl';
import updateF16 from '../../kernels/lars/update_f16.wgsl';
import { grid1d } from '../gpu/kernel.ts';
import { type Launch, type Op, Scratch } from '../graph/tensor.ts';
import { apply } from '../graph/trace.ts';
import { type Segmented, segments } from './segments.ts';
import { checkMomentumTensors, type MomentumTensors } from './sgd.ts';

export interface LarsAttrs {
  readonly momentum: number;
  /** η, the trust coefficient. */
  readonly eta: number;
}

/**
 * For each parameter, trust = η ‖θ‖ / ‖g + wd·θ‖, or 1 where a norm is 0; then b = μ b + lr·trust·(g + wd·θ);  θ −= b.
 * Parameters that are not adapted have trust = 1 and wd = 0. (The learning rate lies in b, as in SimCLR's LARSOptimizer.)
 */
export const larsOp: Op<LarsAttrs> = {
  name: 'lars',
  infer(inputs) {
    checkMomentumTensors('lars', inputs, inputs[4], inputs[7]);
    return [];
  },
  launches({ inputs, attrs }): Launch[] {
    const [weights, momentum_buffer, gradients, scalars, skipCondition, chunks, parameters, copy] = inputs;
    const [C, P] = [chunks.shape[0], parameters.shape[0]];
    const partials = new Scratch('partial norms', C * 8);
    const ratios = new Scratch('trust ratios', P * 4);
    const measured = { weights, gradients, scalars, chunks, partials };
    const updated = { weights, momentum_buffer, gradients, scalars, chunks, trust: ratios };
    return [
      {
        kernel: copy ? normsScaled : norms,
        bindings: copy ? { ...measured, scaler_step: skipCondition } : measured,
        params: { count: C },
        workgroups: grid1d(C, 1),
        flops: 6 * weights.size,
      },
      {
        kernel: trust,
        bindings: { partials, parameters, trust: ratios },
        params: { count: P, eta: attrs.eta },
        workgroups: grid1d(P, 1),
      },
      {
        kernel: copy ? updateF16 : update,
        bindings: copy
          ? { ...updated, scaler_step: skipCondition, half_weights: copy }
          : { ...updated, first_non_finite: skipCondition },
        params: { count: C, momentum: attrs.momentum },
        workgroups: grid1d(C, 1),
        flops: 6 * weights.size,
      },
    ];
  },
  mutates: (_attrs, { length }) => (length > 7 ? [0, 1, 7] : [0, 1]),
};

/** Records one update of flat weights (members: the parameters) and their momentum by LARS. */
export function larsUpdate(
  { weights, momentumBuffer, gradients, scalars, firstNonFinite, f16 }: MomentumTensors,
  segmented: Segmented,
  attrs: LarsAttrs,
): void {
  const { chunks, parameters } = segments(weights.members, segmented);
  const inputs = [weights, momentumBuffer, gradients, scalars, f16?.scalerStep ?? firstNonFinite, chunks, parameters];
  apply(larsOp, f16 ? [...inputs, f16.copy] : inputs, attrs);
}
