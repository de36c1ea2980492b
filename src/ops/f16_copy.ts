/** Weights of f32 with copies of f16, which convolutions read; an optimiser writes both. */
import toF16 from '../../kernels/cast/to_f16.wgsl';
import { grid1d } from '../gpu/kernel.ts';
import { check, type Op, type Tensor } from '../graph/tensor.ts';
import { apply, derivedVariable } from '../graph/trace.ts';
import { cast, castOp } from './cast.ts';

/** copy = weights, rounded. Runs before a program that reads a copy older than its weights; see `derivedVariable`. */
export const refreshCopyOp: Op<null> = {
  name: 'refresh_copy',
  infer([copy, weights]) {
    check(isCopyOf(copy, weights), 'refresh_copy', 'copy must be f16 and as long as the f32 weights', copy, weights);
    return [];
  },
  launches: ({ inputs: [copy, weights] }) => [
    {
      kernel: toF16,
      bindings: { x: weights, y: copy },
      params: { size: weights.size },
      workgroups: grid1d(weights.size, 64),
    },
  ],
  mutates: () => [0],
};

/** y = the range of the copy (input 0) that belongs to a weight (input 1), without a launch. The weight has the gradient. */
export const f16WeightOp: Op<null> = {
  name: 'f16_weight',
  infer: ([range]) => [range],
  launches: () => [],
  gradient: (_node, [dy]) => [undefined, dy && wide(dy)],
  storage: 'view',
};

/** A gradient as f32: what was rounded to f16 last is taken as it was before. */
function wide(dy: Tensor): Tensor {
  const before = dy.dtype === 'f16' && dy.node?.op === castOp ? dy.node.inputs[0] : dy;
  return cast(before, 'f32');
}

/** The copy of f16 that a flat variable of weights has; made once, and never older than the weights when a program reads it. */
export const f16Copy = (weights: Tensor): Tensor =>
  copyOf(weights) ??
  derivedVariable(`${weights.name} as f16`, weights, 'f16', (copy) => apply(refreshCopyOp, [copy, weights], null));

/** A weight as f16: from the copy of the flat variable that it lies in, or cast where there is none. Its gradient is f32. */
export function f16Weight(weight: Tensor): Tensor {
  const copy = weight.flat && copyOf(weight.flat.parent);
  return copy
    ? apply(f16WeightOp, [weight.rangeOf(copy, `${weight.name} as f16`), weight], null)[0]
    : cast(weight, 'f16');
}

/** The copy that there is; undefined while there is none. */
export const copyOf = (weights: Tensor): Tensor | undefined => weights.copies.find(({ dtype }) => dtype === 'f16');

/** Records that a weight's range of the copy is computed anew, where there is one: for whoever changes a weight of a flat variable alone. */
export function refreshF16(weight: Tensor): void {
  const copy = weight.flat && copyOf(weight.flat.parent);
  if (copy) apply(refreshCopyOp, [weight.rangeOf(copy, `${weight.name} as f16`), weight], null);
}

/** What an optimiser needs besides, where weights have copies and gradients are scaled. */
export interface F16Update {
  /**
   * f32 [2], of `lossScale`: what GradScaler passes to the optimiser as `inv_scale` and `found_inf`, and the count of steps.
   * [1/scale, number of this step, skipped ones not counted]; [0, 0] where the step is skipped.
   */
  readonly scalerStep: Tensor;
  /** Of `f16Copy`; written with the weights. */
  readonly copy: Tensor;
}

/** Rules of an optimiser's last inputs: `skipCondition` is firstNonFinite (u32 [1]), or with a copy scalerStep (f32 [2]). */
export function checkSkipCondition(op: string, weights: Tensor, skipCondition: Tensor, copy?: Tensor): void {
  if (!copy) {
    check(
      skipCondition.dtype === 'u32' && skipCondition.size === 1,
      op,
      'firstNonFinite must be u32 [1]',
      skipCondition,
    );
    return;
  }
  check(skipCondition.dtype === 'f32' && skipCondition.size === 2, op, 'scalerStep must be f32 [2]', skipCondition);
  check(isCopyOf(copy, weights), op, 'the copy must be f16 and as long as the weights', copy, weights);
}

export const isCopyOf = (copy: Tensor, weights: Tensor): boolean =>
  copy.dtype === 'f16' && weights.dtype === 'f32' && copy.size === weights.size;
