import { type Attributes, GraphBuilder } from '../../../src/onnx/builder.ts';

export interface Value {
  readonly name: string;
  readonly shape: readonly number[];
}

export interface NodeSpec {
  readonly type: string;
  readonly attributes: Attributes;
  /** In the order of the operator's parameters; those with data are part of the model. */
  readonly inputs: readonly (Value & { readonly data?: Float32Array })[];
  readonly output: Value;
}

/** A model of one node. Its inputs are those without data. */
export function encodeModel({ type, attributes, inputs, output }: NodeSpec): Uint8Array {
  const graph = new GraphBuilder();
  const values = inputs.map(({ name, shape, data }) => (data ? graph.weights(name, shape, data) : graph.input(name)));
  graph.output(graph.node(type, values, attributes), output.name);
  const port = ({ name, shape }: Value) => ({ name, type: 'float' as const, shape });
  return graph.encode(type, inputs.filter(({ data }) => !data).map(port), [port(output)]);
}
