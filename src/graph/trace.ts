import { type Data, type DType, flatAlignment, type Node, type Op, type Shape, Tensor } from './tensor.ts';

/** The nodes of one program in the order in which they were recorded, which is the order in which they run. */
export class Graph {
  readonly nodes: Node[] = [];
}

let current: Graph | undefined;
let module = '';

/** Records into a new graph what `build` applies. Returns what it returns beside the graph. */
export function trace<T>(build: () => T): { graph: Graph; result: T } {
  const outer = current;
  const graph = new Graph();
  current = graph;
  try {
    return { graph, result: build() };
  } finally {
    current = outer;
  }
}

/** Names the nodes that `build` records after a module, `layer1.0.conv1`; the innermost name counts. */
export function scope<T>(name: string, build: () => T): T {
  const outer = module;
  module = name;
  try {
    return build();
  } finally {
    module = outer;
  }
}

function makeNode<A>(op: Op<A>, inputs: readonly Tensor[], attrs: A, label: string): Node<A> {
  const outputs: Tensor[] = [];
  const node: Node<A> = { op, inputs, attrs, outputs, label };
  op.infer(inputs, attrs).forEach(({ shape, dtype }, index) => {
    outputs.push(new Tensor(shape, dtype, { kind: 'node', node, index }));
  });
  return node;
}

/** Records `op(inputs)` in the graph that is being traced and returns its outputs. */
export function apply<A>(op: Op<A>, inputs: readonly Tensor[], attrs: A): readonly Tensor[] {
  if (!current) throw new Error(`[${op.name}] ops can only be applied inside trace(() => …)`);
  const node = makeNode(op, inputs, attrs, module ? `${module}/${op.name}` : op.name);
  current.nodes.push(node);
  return node.outputs;
}

/** The graph that is being traced. */
export function tracing(): Graph {
  if (!current) throw new Error('nothing is being traced: call this inside trace(() => …)');
  return current;
}

/** A tensor that keeps its value from run to run. `init` gives its first value; without it, zeros. */
export const variable = (name: string, shape: Shape, init?: () => Data, dtype: DType = 'f32'): Tensor =>
  new Tensor(shape, dtype, { kind: 'variable', name, init });

/** A tensor that `program.run` is given by name. */
export const input = (name: string, shape: Shape, dtype: DType): Tensor =>
  new Tensor(shape, dtype, { kind: 'input', name });

const dtypeOf = (data: Data): DType =>
  data instanceof Float32Array ? 'f32' : data instanceof Uint32Array ? 'u32' : 'i32';

/** A tensor with a fixed value. Its type is that of the data, unless it is to be rounded to f16. */
export const constant = (name: string, data: Data, shape: Shape = [data.length], dtype = dtypeOf(data)): Tensor =>
  new Tensor(shape, dtype, { kind: 'constant', name, data });

/** Offsets of tensors laid one after another, each at `flatAlignment`, and the length of the whole; in elements. */
export function flatLayout(tensors: readonly Tensor[]): { offsets: number[]; length: number } {
  const offsets: number[] = [];
  let length = 0;
  for (const tensor of tensors) {
    offsets.push(length);
    length += Math.ceil(tensor.size / flatAlignment) * flatAlignment;
  }
  return { offsets, length };
}

/** Lays variables into one flat variable and returns it: one buffer, which an optimiser updates in one dispatch. */
export function flatVariable(name: string, members: readonly Tensor[]): Tensor {
  const { offsets, length } = flatLayout(members);
  const parent = variable(name, [length]);
  members.forEach((member, index) => {
    if (member.flat) throw new Error(`${member.name} is already part of '${member.flat.parent.name}'`);
    member.flat = { parent, offset: offsets[index] };
  });
  parent.members = members;
  return parent;
}

/**
 * A variable of the shape of `source` that is always computed from it: `compute` records the nodes that set it. Whoever changes the
 * source on the device may set it in the same program; otherwise the nodes run before the next program that reads it.
 */
export function derivedVariable(name: string, source: Tensor, dtype: DType, compute: (copy: Tensor) => void): Tensor {
  const copy = variable(name, source.shape, undefined, dtype);
  copy.derived = trace(() => compute(copy)).graph;
  source.copies = [...source.copies, copy];
  return copy;
}
