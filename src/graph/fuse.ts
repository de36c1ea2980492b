import { type Fusion, type Neighbours, type Node, Tensor } from './tensor.ts';

/**
 * Lets each node propose a cheaper one for itself and the producers that it absorbs (`Op.fuse`), and each for what comes behind it
 * (`Op.fuseBehind`). The fused node stands where the
 * proposing node stood and makes the very tensors of the nodes that it replaces, so that no reader changes. A proposal is
 * refused where something still reads a tensor that would no longer be made, or would be made too late, or where an update of a
 * variable would change places with another use of it.
 */
export function fuse(nodes: readonly Node[], outputs: readonly Tensor[]): Node[] {
  const producers = new Map<Tensor, Node>();
  const readers = new Map<Tensor, (Node | 'program')[]>();
  const read = (tensor: Tensor, reader: Node | 'program') =>
    readers.set(tensor, [...(readers.get(tensor) ?? []), reader]);
  for (const node of nodes) {
    for (const tensor of node.outputs) producers.set(tensor, node);
    for (const tensor of node.inputs) read(tensor, node);
  }
  for (const tensor of outputs) read(tensor, 'program');

  const around: Neighbours = {
    producer: (tensor) => producers.get(tensor),
    uses: (tensor) => readers.get(tensor)?.length ?? 0,
  };
  const result: Node[] = [];
  for (const node of nodes) {
    const fusion = node.op.fuse?.(node, around) ?? fromBefore(node, around);
    if (!fusion || !isSafe(fusion, node, result, readers)) {
      result.push(node);
      continue;
    }
    const fused = fusedNode(fusion, node);
    const gone = new Set([node, ...fusion.absorbs]);
    for (const [tensor, list] of readers)
      readers.set(
        tensor,
        list.filter((reader) => reader === 'program' || !gone.has(reader)),
      );
    for (const tensor of fused.outputs) producers.set(tensor, fused);
    for (const tensor of fused.inputs) read(tensor, fused);
    for (const absorbed of fusion.absorbs) result.splice(result.indexOf(absorbed), 1);
    result.push(fused);
  }
  return result;
}

/** What one of the producers of a node, or of their producers, proposes for it: the first that proposes something. */
function fromBefore(node: Node, around: Neighbours): Fusion | undefined {
  const before = producersOf(node, around);
  for (const producer of [...before, ...before.flatMap((one) => producersOf(one, around))]) {
    const fusion = producer.op.fuseBehind?.(producer, node, around);
    if (fusion) return fusion;
  }
  return undefined;
}

const producersOf = ({ inputs }: Node, { producer }: Neighbours): Node[] =>
  inputs.flatMap((tensor) => producer(tensor) ?? []);

function isSafe(
  { absorbs, replaces }: Fusion,
  node: Node,
  before: readonly Node[],
  readers: ReadonlyMap<Tensor, readonly (Node | 'program')[]>,
): boolean {
  const gone = new Set<Node | 'program'>([node, ...absorbs]);
  return absorbs.every(
    (absorbed) =>
      before.includes(absorbed) &&
      mayMove(absorbed, before.slice(before.indexOf(absorbed) + 1)) &&
      absorbed.outputs.every((tensor) =>
        (readers.get(tensor) ?? []).every(
          (reader) =>
            gone.has(reader) || (replaces.includes(tensor) && (reader === 'program' || !before.includes(reader))),
        ),
      ),
  );
}

/** What a tensor's memory belongs to: an optimiser updates the flat variable of what a layer reads. */
const rootOf = (tensor: Tensor): Tensor => tensor.flat?.parent ?? tensor;
const reads = ({ inputs }: Node): Set<Tensor> => new Set(inputs.map(rootOf));
const updates = ({ op, attrs, inputs }: Node): Tensor[] =>
  (op.mutates?.(attrs, inputs) ?? []).map((index) => rootOf(inputs[index]));

/** Whether a node may run after others: none of them reads what it updates or updates what it reads. */
function mayMove(node: Node, others: readonly Node[]): boolean {
  const [read, updated] = [reads(node), updates(node)];
  return others.every((other) => {
    const otherReads = updated.length > 0 ? reads(other) : undefined;
    return !updates(other).some((tensor) => read.has(tensor)) && !updated.some((tensor) => otherReads!.has(tensor));
  });
}

function fusedNode({ op, inputs, attrs, replaces }: Fusion, { label }: Node): Node {
  const outputs: Tensor[] = [];
  const node: Node = { op, inputs, attrs, outputs, label: label.replace(/[^/]+$/, op.name) };
  op.infer(inputs, attrs).forEach(({ shape, dtype }, index) => {
    outputs.push(replaces[index] ?? new Tensor(shape, dtype, { kind: 'node', node, index }));
  });
  return node;
}
