/**
 * Batch norm, the sum with a residual and the ReLU as one node, and their gradients as one. No layer applies these ops: `batch_norm`
 * and `batch_norm_backward` propose them to the plan (`Op.fuseBehind`, `Op.fuse`), so that x and y cross memory once instead of three times.
 */
import type { Fusion, Neighbours, Node, Op, Tensor } from '../graph/tensor.ts';
import {
  type BackwardAttrs,
  type BatchNormAttrs,
  backwardLaunches,
  batchNormOutputs,
  forwardLaunches,
  namedInputs,
} from './batch_norm_launches.ts';

interface FusedAttrs extends BatchNormAttrs {
  /** The last input is added before the ReLU. */
  readonly residual: boolean;
}

/** y = max(batch_norm(x) + residual, 0); inputs and outputs as of `batch_norm`, and the residual last. */
export const batchNormReluOp: Op<FusedAttrs> = {
  name: 'batch_norm_relu',
  infer: batchNormOutputs,
  launches({ inputs, outputs, attrs }) {
    if (!attrs.residual) return forwardLaunches(inputs, outputs, attrs, { relu: true });
    return forwardLaunches(inputs.slice(0, -1), outputs, attrs, { relu: true, residual: inputs.at(-1) });
  },
  mutates({ training, residual }, inputs) {
    return training ? inputs.map((_, index) => index).slice(3, residual ? -1 : undefined) : [];
  },
};

/** relu(batch_norm(x)) and relu(batch_norm(x) + residual), in either order, become one node, if nothing else reads what it absorbs. */
export function fuseRelu(norm: Node<BatchNormAttrs>, relu: Node, around: Neighbours): Fusion | undefined {
  if (relu.op.name !== 'relu') return undefined;
  const [normal, mean, rstd] = norm.outputs;
  const direct = relu.inputs[0] === normal;
  const sum = direct ? undefined : around.producer(relu.inputs[0]);
  const added = sum?.op.name === 'add' && sum.inputs.includes(normal);
  if (around.uses(normal) !== 1 || !(direct || added)) return undefined;
  const residual = sum?.inputs.find((tensor) => tensor !== normal);
  return {
    op: batchNormReluOp,
    inputs: residual ? [...norm.inputs, residual] : norm.inputs,
    attrs: { ...norm.attrs, residual: residual !== undefined } satisfies FusedAttrs,
    absorbs: sum ? [sum, norm] : [norm],
    replaces: [relu.outputs[0], mean, rstd],
  };
}

interface FusedBackwardAttrs extends BackwardAttrs {
  /** There is a fourth output, dy where y > 0: the gradient of the residual. */
  readonly masked: boolean;
  /** The last input is the bias, from which y > 0 is found again, and not y: that need not be kept for the way back. */
  readonly recompute: boolean;
}

/** `batch_norm_backward` of dy where y > 0; inputs x, dy, weight, mean, rstd and y or the bias. */
export const batchNormReluBackwardOp: Op<FusedBackwardAttrs> = {
  name: 'batch_norm_relu_backward',
  infer: ([x, dy, weight], { masked }) => [x, weight, weight, ...(masked ? [dy] : [])],
  launches({ inputs: [x, dy, weight, mean, rstd, last], outputs: [dx, dweight, dbias, masked], attrs, inPlace }) {
    const { training, parts, processes, recompute } = attrs;
    const tensors = { x, dy, weight, mean, rstd, dx, dweight, dbias, masked };
    return backwardLaunches(
      { ...tensors, ...(recompute ? { bias: last } : { y: last }) },
      { training, parts, processes, inPlace },
    );
  },
  inPlace: { output: 0, input: 1 },
};

/** The bias of the batch norm whose ReLU made y from x with nothing added in between. */
function biasBehind(y: Tensor, x: Tensor, { producer }: Neighbours): Tensor | undefined {
  const norm = producer(y);
  if (norm?.op !== batchNormReluOp || norm.attrs.residual || norm.inputs[0] !== x) return undefined;
  return namedInputs(norm.inputs).bias;
}

/** batch_norm_backward(relu_backward(dy, y)) becomes one node, which also makes what `relu_backward` made if that is read. */
export function fuseReluBackward(node: Node<BackwardAttrs>, around: Neighbours): Fusion | undefined {
  const [x, gradient, weight, mean, rstd] = node.inputs;
  const relu = around.producer(gradient);
  if (relu?.op.name !== 'relu_backward') return undefined;
  const [dy, y] = relu.inputs;
  const masked = around.uses(gradient) > 1;
  const bias = biasBehind(y, x, around);
  return {
    op: batchNormReluBackwardOp,
    inputs: [x, dy, weight, mean, rstd, bias ?? y],
    attrs: { ...node.attrs, masked, recompute: bias !== undefined } satisfies FusedBackwardAttrs,
    absorbs: [relu],
    replaces: masked ? [...node.outputs, gradient] : node.outputs,
  };
}
