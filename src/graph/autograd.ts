import type { Node, Tensor } from './tensor.ts';
import { constant, tracing } from './trace.ts';

/**
 * Appends to the graph the nodes that compute d loss / d target for each target. The walk goes once backwards over the recorded
 * nodes; where a tensor has several readers, their gradients are added in that order, so that the sum is always the same sum.
 *
 * `add` is the op that sums two tensors (this layer knows no ops); `seed` is d loss / d loss, 1 unless losses are scaled.
 */
export function differentiate(
  loss: Tensor,
  targets: readonly Tensor[],
  add: (a: Tensor, b: Tensor) => Tensor,
  seed = constant('one', Float32Array.of(1)),
): Tensor[] {
  const nodes = [...tracing().nodes];
  const needed = dependents(nodes, targets);
  const found = new Map<Tensor, Tensor>([[loss, seed]]);
  for (const node of nodes.reverse()) {
    if (!node.outputs.some((output) => needed.has(output) && found.has(output))) continue;
    const gradient = node.op.gradient;
    if (!gradient)
      throw new Error(`${node.label}: '${node.op.name}' has no gradient rule, but a gradient has to pass through it`);
    const dx = gradient(
      node,
      node.outputs.map((output) => found.get(output)),
    );
    node.inputs.forEach((tensor, index) => {
      const part = dx[index];
      if (!part || !needed.has(tensor)) return;
      const sum = found.get(tensor);
      found.set(tensor, sum ? add(sum, part) : part);
    });
  }
  return targets.map((target) => {
    const gradient = found.get(target);
    if (!gradient) throw new Error(`the loss does not depend on ${target}`);
    return gradient;
  });
}

/** The targets and every tensor that is computed from one of them. */
function dependents(nodes: readonly Node[], targets: readonly Tensor[]): Set<Tensor> {
  const needed = new Set(targets);
  for (const node of nodes) {
    if (node.inputs.some((tensor) => needed.has(tensor))) node.outputs.forEach((output) => needed.add(output));
  }
  return needed;
}
