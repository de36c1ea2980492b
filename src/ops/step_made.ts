import made from '../../kernels/step_made/made.wgsl';
import { check, type Op, type Tensor } from '../graph/tensor.ts';
import { apply, constant } from '../graph/trace.ts';

/** made = 1 where before is 1, firstNonFinite 0 and the update not skipped by the scaler; else 0. */
export const stepMadeOp: Op<null> = {
  name: 'step_made',
  infer([before, firstNonFinite, scalerStep]) {
    const flags = [before, firstNonFinite].every(({ dtype, size }) => dtype === 'u32' && size === 1);
    check(flags, 'step_made', 'before and firstNonFinite must be u32 [1]', before, firstNonFinite);
    check(scalerStep.dtype === 'f32' && scalerStep.size === 2, 'step_made', 'scalerStep must be f32 [2]', scalerStep);
    return [{ shape: [1], dtype: 'u32' }];
  },
  launches: ({ inputs: [before, first_non_finite, scaler_step], outputs: [flag] }) => [
    {
      kernel: made,
      bindings: { before, first_non_finite, scaler_step, made: flag },
      params: {},
      workgroups: [1, 1, 1],
    },
  ],
};

/** What decides over an optimiser's update: see `checkFiniteGradients`, and in half precision `lossScale`. */
export interface UpdateDecision {
  readonly firstNonFinite: Tensor;
  readonly scalerStep?: Tensor | undefined;
}

const open = () => constant('no scaler', Float32Array.of(1, 1));

/** u32 [1], recorded behind the updates: 1 where all of them were made, 0 where one was left out. What a step keeps beside its weights obeys it. */
export const stepMade = (decisions: readonly UpdateDecision[]): Tensor =>
  decisions.reduce(
    (before, { firstNonFinite, scalerStep = open() }) =>
      apply(stepMadeOp, [before, firstNonFinite, scalerStep], null)[0],
    constant('nothing left out', Uint32Array.of(1)),
  );
