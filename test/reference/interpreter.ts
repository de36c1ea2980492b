/// <reference types="vite/client" />
/**
 * The second reader of a graph: every op by its plain definition, in float64 on the CPU. It is the specification that kernels
 * are held to. `test/reference/<op>.ts` has the definitions of an op and of its gradient, found by the names of the ops.
 */
import { float16Bits, float16Value } from '../../src/float16.ts';
import type { Node, Tensor } from '../../src/graph/tensor.ts';
import type { Graph } from '../../src/graph/trace.ts';

export type Values = Float64Array;

/** Computes the outputs of a node from the values of its inputs; inputs that the op mutates are changed in place. */
export type Definition = (inputs: readonly Values[], node: Node) => Values[];
export type Definitions = Readonly<Record<string, Definition>>;

const files = import.meta.glob<{ default: Definitions }>(['./*.ts', '!./interpreter.ts'], { eager: true });
const definitions = new Map(Object.values(files).flatMap((file) => Object.entries(file.default ?? {})));

/** What a tensor holds of values: where the graph says f16, the nearest of binary16. */
const stored = ({ dtype }: Tensor, values: Values): Values =>
  dtype === 'f16' ? values.map((value) => float16Value(float16Bits(value))) : values;

/** The first value of a leaf in float64; inputs have none and must be given. */
function leafValue(leaf: Tensor): Values {
  const { origin } = leaf;
  if (origin.kind === 'constant') return stored(leaf, new Float64Array(origin.data));
  if (origin.kind === 'variable')
    return stored(leaf, Float64Array.from(origin.init?.() ?? new Float64Array(leaf.size)));
  throw new Error(`${leaf} has no value: give it to interpret()`);
}

/** Runs a graph. `given` has values for leaves; what is not there starts from the leaf's own first value. Returns all values. */
export function interpret(
  graph: Graph | readonly Node[],
  given: ReadonlyMap<Tensor, Values> = new Map(),
): Map<Tensor, Values> {
  const values = new Map<Tensor, Values>();
  for (const [tensor, value] of given) values.set(tensor, value.slice());
  const load = (tensor: Tensor): Values => {
    let value = values.get(tensor);
    if (!value) {
      value =
        tensor.members.length > 0
          ? flatValue(tensor, load)
          : tensor.flat
            ? memberValue(tensor, values)
            : leafValue(tensor);
      values.set(tensor, value);
    }
    return value;
  };
  for (const node of 'nodes' in graph ? graph.nodes : graph) {
    const define = definitions.get(node.op.name);
    if (!define) throw new Error(`test/reference has no definition of '${node.op.name}'`);
    const inputs = node.inputs.map(load);
    const outputs = define(inputs, node);
    node.outputs.forEach((tensor, index) => {
      if (outputs[index]?.length !== tensor.size)
        throw new Error(`reference of ${node.op.name}: output ${index} has a wrong size`);
      values.set(tensor, stored(tensor, outputs[index]));
    });
    for (const index of node.op.mutates?.(node.attrs, node.inputs) ?? []) {
      const updated = node.inputs[index];
      values.set(updated, stored(updated, values.get(updated)!));
      spread(updated, values);
    }
  }
  return values;
}

/** Members of a flat variable read the flat value once it exists: an optimiser may have changed it. */
function memberValue(tensor: Tensor, values: Map<Tensor, Values>): Values {
  const whole = values.get(tensor.flat!.parent);
  return whole ? whole.slice(tensor.flat!.offset, tensor.flat!.offset + tensor.size) : leafValue(tensor);
}

function flatValue(tensor: Tensor, load: (member: Tensor) => Values): Values {
  const whole = new Float64Array(tensor.size);
  for (const member of tensor.members) whole.set(load(member), member.flat!.offset);
  return whole;
}

/** After a flat variable changed, its members change with it. */
function spread(tensor: Tensor, values: Map<Tensor, Values>): void {
  for (const member of tensor.members) {
    values.set(member, values.get(tensor)!.slice(member.flat!.offset, member.flat!.offset + member.size));
  }
}
