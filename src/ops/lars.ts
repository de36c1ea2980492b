import norms from '../../kernels/lars/norms.wgsl';
import normsScaled from '../../kernels/lars/norms_scaled.wgsl';
import trust from '../../kernels/lars/trust.wgsl';
import update from '../../kernels/lars/update.wgsl';
import updateF16 from '../../kernels/lars/update_f16.wgsl';
import { grid1d } from '../gpu/kernel.ts';
import { flatAlignment, type Launch, type Op, Scratch, type Tensor } from '../graph/tensor.ts';
import { apply, constant, flatLayout } from '../graph/trace.ts';
import { checkMomentumTensors, type MomentumTensors } from './sgd.ts';

export interface LarsAttrs {
  readonly momentum: number;
  readonly weightDecay: number;
  /** η, the trust coefficient. */
  readonly eta: number;
}

/** Elements of a parameter that one workgroup takes. */
const chunkSize = 4096;

/**
 * For each parameter, trust = η ‖θ‖ / ‖g + wd·θ‖, or 1 where a norm is 0; then b = μ b + lr·trust·(g + wd·θ);  θ −= b.
 * Parameters that are not adapted have trust = 1 and wd = 0. (The learning rate lies in b, as in SimCLR's LARSOptimizer.)
 */
export const larsOp: Op<LarsAttrs> = {
  name: 'lars',
  infer(inputs) {
    checkMomentumTensors('lars', inputs, inputs[7]);
    return [];
  },
  launches({ inputs, attrs }): Launch[] {
    const [weights, momentum_buffer, gradients, scalars, skipCondition, chunks, parameters, copy] = inputs;
    const [C, P] = [chunks.shape[0], parameters.shape[0]];
    const partials = new Scratch('partial norms', C * 8);
    const ratios = new Scratch('trust ratios', P * 4);
    const measured = { weights, gradients, chunks, partials };
    const updated = { weights, momentum_buffer, gradients, scalars, chunks, trust: ratios };
    return [
      {
        kernel: copy ? normsScaled : norms,
        bindings: copy ? { ...measured, scaler_step: skipCondition } : measured,
        params: { count: C, decay: attrs.weightDecay },
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
        params: { count: C, momentum: attrs.momentum, decay: attrs.weightDecay },
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
  adapted: (parameter: Tensor) => boolean,
  attrs: LarsAttrs,
): void {
  const { chunks, parameters } = segments(weights.members, adapted);
  const inputs = [weights, momentumBuffer, gradients, scalars, f16?.scalerStep ?? firstNonFinite, chunks, parameters];
  apply(larsOp, f16 ? [...inputs, f16.copy] : inputs, attrs);
}

/** Tables of the parameters and of the chunks into which they are cut, for the kernels (see there). */
function segments(members: readonly Tensor[], adapted: (parameter: Tensor) => boolean) {
  if (members.length === 0)
    throw new Error('[lars] weights must be a flat variable with members, made by flatVariable');
  const { offsets } = flatLayout(members);
  const chunks: number[] = [];
  const parameters = members.flatMap((member, index) => {
    const adapts = Number(adapted(member));
    const first = chunks.length / 4;
    const padded = Math.ceil(member.size / flatAlignment) * flatAlignment;
    for (let start = 0; start < padded; start += chunkSize) {
      const quads = Math.min(chunkSize, padded - start) / 4;
      chunks.push((offsets[index] + start) / 4, quads, index, adapts);
    }
    return [first, chunks.length / 4 - first, adapts, 0];
  });
  return {
    chunks: constant('chunks', Uint32Array.from(chunks), [chunks.length / 4, 4]),
    parameters: constant('parameters', Uint32Array.from(parameters), [members.length, 4]),
  };
}
