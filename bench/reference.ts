/** The float64 definitions that the tests hold kernels to, read once more: what is timed must be right where no peer says so. */
import type { Node, Tensor } from '../src/graph/tensor.ts';
import type { Graph } from '../src/graph/trace.ts';
import add from '../test/reference/add.ts';
import attention from '../test/reference/attention.ts';
import augment from '../test/reference/augment.ts';
import augmentParameters from '../test/reference/augment_parameters.ts';
import batchNorm from '../test/reference/batch_norm.ts';
import binary from '../test/reference/binary.ts';
import bmm from '../test/reference/bmm.ts';
import cast from '../test/reference/cast.ts';
import conv2d from '../test/reference/conv2d.ts';
import crossEntropy from '../test/reference/cross_entropy.ts';
import indexRows from '../test/reference/index_rows.ts';
import infoNce from '../test/reference/info_nce.ts';
import type { Definition } from '../test/reference/interpreter.ts';
import l2Normalize from '../test/reference/l2_normalize.ts';
import layerNorm from '../test/reference/layer_norm.ts';
import matmul from '../test/reference/matmul.ts';
import maxPool from '../test/reference/max_pool.ts';
import optimizers from '../test/reference/optimizers.ts';
import reduce from '../test/reference/reduce.ts';
import softmax from '../test/reference/softmax.ts';
import storage from '../test/reference/storage.ts';
import stridedCopy from '../test/reference/strided_copy.ts';
import unary from '../test/reference/unary.ts';
import type { Values } from './benchmark.ts';

const definitions: Readonly<Record<string, Definition>> = {
  ...add,
  ...attention,
  ...bmm,
  ...layerNorm,
  ...augment,
  ...augmentParameters,
  ...batchNorm,
  ...conv2d,
  ...crossEntropy,
  ...l2Normalize,
  ...matmul,
  ...maxPool,
  ...infoNce,
  ...optimizers,
  ...unary,
  ...stridedCopy,
  ...storage,
  ...softmax,
  ...reduce,
  ...indexRows,
  ...cast,
  ...binary,
};

function firstValue(tensor: Tensor): Float64Array {
  const { origin } = tensor;
  if (origin.kind === 'constant') return Float64Array.from(origin.data);
  if (origin.kind === 'variable') return Float64Array.from(origin.init?.() ?? new Float32Array(tensor.size));
  throw new Error(`${tensor} has no value before a run`);
}

function compute(node: Node, values: Map<Tensor, Float64Array>): void {
  const define = definitions[node.op.name];
  if (!define) throw new Error(`the benchmark has no definition of '${node.op.name}'`);
  const inputs = node.inputs.map((tensor) => {
    if (!values.has(tensor)) values.set(tensor, firstValue(tensor));
    return values.get(tensor)!;
  });
  const outputs = define(inputs, node);
  node.outputs.forEach((tensor, index) => values.set(tensor, outputs[index]));
}

/** What a graph of constants and variables computes in its first run; variables by the values that it leaves in them. */
export function reference(graph: Graph, results: Readonly<Record<string, Tensor>>): Values {
  const values = new Map<Tensor, Float64Array>();
  for (const node of graph.nodes) compute(node, values);
  return new Map(Object.entries(results).map(([name, tensor]) => [name, Float32Array.from(values.get(tensor)!)]));
}
