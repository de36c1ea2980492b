import made from '../../kernels/step_made/made.wgsl';
import { check, type Op, type Tensor } from '../graph/tensor.ts';
import { apply, constant } from '../graph/trace.ts';

/** made = 1 where before is 1, firstBad 0 and the gate open; else 0. */
export const stepMadeOp: Op<null> = {
  name: 'step_made',
  infer([before, firstBad, gate]) {
    const flags = [before, firstBad].every(({ dtype, size }) => dtype === 'u32' && size === 1);
    check(flags, 'step_made', 'before and firstBad must be u32 [1]', before, firstBad);
    check(gate.dtype === 'f32' && gate.size === 2, 'step_made', 'the gate must be f32 [2]', gate);
    return [{ shape: [1], dtype: 'u32' }];
  },
  launches: ({ inputs: [before, first_bad, gate], outputs: [flag] }) => [
    { kernel: made, bindings: { before, first_bad, gate, made: flag }, params: {}, workgroups: [1, 1, 1] },
  ],
};

/** What decides over an optimiser's update: see `nonFiniteGuard`, and in half precision `lossScale`. */
export interface UpdateDecision {
  readonly firstBad: Tensor;
  readonly gate?: Tensor | undefined;
}

const open = () => constant('open gate', Float32Array.of(1, 1));

/** u32 [1], recorded behind the updates: 1 where all of them were made, 0 where one was left out. What a step keeps beside its weights obeys it. */
export const stepMade = (decisions: readonly UpdateDecision[]): Tensor =>
  decisions.reduce(
    (before, { firstBad, gate = open() }) => apply(stepMadeOp, [before, firstBad, gate], null)[0],
    constant('nothing left out', Uint32Array.of(1)),
  );
