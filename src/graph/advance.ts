import type { Node, Tensor } from './tensor.ts';

/** Moves nodes forward that need not wait for all that stands before them (`Op.readyBehind`), right behind what they do wait for. */
export function advance(nodes: readonly Node[]): Node[] {
  const result: Node[] = [];
  for (const node of nodes) {
    const wanted = node.op.readyBehind?.(node.attrs, node.inputs);
    const made = wanted && new Set(wanted);
    const last = made && result.findLastIndex(({ outputs }) => outputs.some((tensor) => made.has(tensor)));
    if (last === undefined || last < 0 || !mayPass(node, result.slice(last + 1))) result.push(node);
    else result.splice(last + 1, 0, node);
  }
  return result;
}

/** Whether others leave alone what a node updates. */
function mayPass({ op, attrs, inputs }: Node, others: readonly Node[]): boolean {
  const updated = new Set<Tensor>((op.mutates?.(attrs, inputs) ?? []).map((index) => inputs[index]));
  const ownRange = (other: Node) => other.op === op; // a further range of the same variable
  return others.every((other) => ownRange(other) || !other.inputs.some((tensor) => updated.has(tensor)));
}
