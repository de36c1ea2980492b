import type { Op, Tensor } from '../graph/tensor.ts';
import { apply, flatLayout } from '../graph/trace.ts';

/** Tensors laid one after another in one buffer: no kernel runs, the plan has their producers write there. */
export const flattenOp: Op<null> = {
  name: 'flatten',
  infer: (inputs) => [{ shape: [flatLayout(inputs).length], dtype: 'f32' }],
  launches: () => [],
  storage: 'flatten',
};

/** One flat tensor of all the gradients, in the layout of `flatVariable`: what an optimiser reads in one dispatch. */
export const flatten = (tensors: readonly Tensor[]): Tensor => apply(flattenOp, tensors, null)[0];
