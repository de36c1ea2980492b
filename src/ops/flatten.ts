import type { Op, Tensor } from '../graph/tensor.ts';
import { apply, flatLayout } from '../graph/trace.ts';
import { permute } from './strided_copy.ts';

/** Tensors laid one after another in one buffer: no kernel runs, the plan has their producers write there. */
export const flattenOp: Op<null> = {
  name: 'flatten',
  infer: (inputs) => [{ shape: [flatLayout(inputs).length], dtype: 'f32' }],
  launches: () => [],
  storage: 'flatten',
};

/**
 * One flat tensor of all the gradients, in the layout of `flatVariable`: what an optimiser reads in one dispatch. What no kernel of its own
 * makes, such as a reshape, or stands for two of them, is copied.
 */
export function flatten(tensors: readonly Tensor[]): Tensor {
  const made = ({ origin }: Tensor) => origin.kind === 'node' && !origin.node.op.storage;
  const written = tensors.map((tensor, i) => (made(tensor) && tensors.indexOf(tensor) === i ? tensor : copied(tensor)));
  return apply(flattenOp, written, null)[0];
}

const copied = (x: Tensor): Tensor =>
  permute(
    x,
    x.shape.map((_, axis) => axis),
  );
