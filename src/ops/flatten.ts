import { check, type Op, type Tensor } from '../graph/tensor.ts';
import { apply, flatLayout } from '../graph/trace.ts';
import { permute } from './strided_copy.ts';

/** Tensors laid one after another in one buffer: no kernel runs, the plan has their producers write there. */
export const flattenOp: Op<null> = {
  name: 'flatten',
  infer(inputs) {
    // They are written where they are read as f32.
    check(
      inputs.every(({ dtype }) => dtype === 'f32'),
      'flatten',
      'all must be f32',
      ...inputs,
    );
    return [{ shape: [flatLayout(inputs).length], dtype: 'f32' }];
  },
  launches: () => [],
  storage: 'flatten',
};

/**
 * One flat tensor of all the gradients, in the layout of `flatVariable`: what an optimiser reads in one dispatch. What no kernel of its own
 * makes, such as a leaf or a reshape, and what is read for several of them, is copied: a kernel cannot read the buffer that it writes.
 */
export function flatten(tensors: readonly Tensor[]): Tensor {
  const sources = tensors.map(sourceOf);
  const isWritten = (tensor: Tensor, i: number) =>
    tensor === sources[i] && tensor.node && sources.filter((source) => source === tensor).length === 1;
  return apply(
    flattenOp,
    tensors.map((tensor, i) => (isWritten(tensor, i) ? tensor : copied(tensor))),
    null,
  )[0];
}

/** Whose memory a tensor has. */
const sourceOf = (x: Tensor): Tensor => (x.node?.op.storage === 'view' ? sourceOf(x.node.inputs[0]) : x);

const copied = (x: Tensor): Tensor =>
  permute(
    x,
    x.shape.map((_, axis) => axis),
  );
