import type { Fusion, Neighbours, Node, Tensor } from '../graph/tensor.ts';

/**
 * For an op that can make its output in either type, as its attribute `dtype` says: what is only read as f16 is stored so, and crosses
 * memory once instead of three times.
 */
export function fuseCast<A extends { readonly dtype: Tensor['dtype'] }>(
  node: Node<A>,
  cast: Node,
  around: Neighbours,
): Fusion | undefined {
  const [made] = node.outputs;
  const toF16 = cast.op.name === 'cast' && cast.outputs[0].dtype === 'f16';
  if (!toF16 || cast.inputs[0] !== made || around.uses(made) !== 1) return undefined;
  return {
    op: node.op,
    inputs: node.inputs,
    attrs: { ...node.attrs, dtype: 'f16' },
    absorbs: [node],
    replaces: cast.outputs,
  };
}
