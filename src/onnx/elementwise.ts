/** Ops that work element by element, in whatever layout their inputs are. */
import type { Tensor } from '../graph/tensor.ts';
import type { Attributes, GraphBuilder } from './builder.ts';
import { isScalar, type Translation, type Translator } from './translator.ts';

/** An op of one input that ONNX computes as told. */
const unary =
  (compute: (graph: GraphBuilder, x: string, slope: number) => string): Translation =>
  ({ inputs: [x], outputs: [y], attrs }, at) => {
    const isMap = at.isMap(x);
    const value = compute(at.graph, isMap ? at.map(x) : at.plain(x), attrs?.slope ?? 0);
    at.put(y, isMap ? { map: value } : { plain: value });
  };

const named = (opType: string, attributes: (slope: number) => Attributes = () => ({})): Translation =>
  unary((graph, x, slope) => graph.node(opType, [x], attributes(slope)));

/** x · ½ (1 + erf(x / √2)), which has a node of its own only from operator set 20 on; runtimes know this form. */
function gelu(graph: GraphBuilder, x: string): string {
  const curve = graph.node('Erf', [graph.node('Div', [x, graph.floats([Math.SQRT2])])]);
  const doubled = graph.node('Mul', [x, graph.node('Add', [curve, graph.floats([1])])]);
  return graph.node('Mul', [doubled, graph.floats([0.5])]);
}

/** Two inputs whose shapes broadcast: as maps where one is there as such and the other is a map too, or one number. */
const binary =
  (opType: string): Translation =>
  ({ inputs: [a, b], outputs: [y] }, at) => {
    const both = [a, b];
    const areMaps = both.some((x) => at.isMap(x)) && both.every((x) => x.shape.length === 4 || isScalar(x));
    const read = (x: Tensor, where: Translator) => (areMaps && x.shape.length === 4 ? where.map(x) : where.plain(x));
    const value = at.graph.node(opType, [read(a, at), read(b, at)]);
    at.put(y, areMaps ? { map: value } : { plain: value });
  };

export const elementwiseTranslations: Readonly<Record<string, Translation>> = {
  relu: named('Relu'),
  leaky_relu: named('LeakyRelu', (slope) => ({ alpha: { float: slope } })),
  gelu: unary(gelu),
  sqrt: named('Sqrt'),
  square: unary((graph, x) => graph.node('Mul', [x, x])),
  add: binary('Add'),
  add_broadcast: binary('Add'),
  sub: binary('Sub'),
  mul: binary('Mul'),
  div: binary('Div'),
  maximum: binary('Max'),
};
