import type { Implementation } from '../../../benchmark.ts';
import type { ConvProblem } from '../../../cases/conv2d.ts';
import { type Backend, tf, transposeSettings } from '../backend.ts';
import { Shared, TfjsOp } from '../op.ts';

type Filter = [number, number, number, number];

/** A convolution in the problem's direction; only the gradient for x comes in two settings. */
export function conv2d(backend: Backend, problem: ConvProblem): readonly Implementation[] {
  if (problem.direction === 'forward') return [forward(backend, problem)];
  if (problem.direction === 'input gradient') return inputGradient(backend, problem);
  return backend.name === 'wasm' ? [] : [weightGradient(backend, problem)];
}

/** tfjs has weights as [kh, kw, I, O]. */
const filterOf = ({ weight, weightShape }: ConvProblem) =>
  tf.tidy(() => tf.transpose(tf.tensor4d(weight, [...weightShape]), [1, 2, 3, 0]));

function forward(backend: Backend, problem: ConvProblem): Implementation {
  const { stride, padding } = problem;
  const [x, filter] = [tf.tensor4d(problem.x, [...problem.shape]), filterOf(problem)];
  const compute = () => ({ y: tf.conv2d(x, filter, stride, padding, 'NHWC', 1, 'floor') });
  return new TfjsOp(backend, { setting: 'conv2d', inputs: new Shared([x, filter]), compute });
}

function inputGradient(backend: Backend, problem: ConvProblem): Implementation[] {
  const { stride, padding } = problem;
  const [dy, filter] = [tf.tensor4d(problem.dy, [...problem.outShape]), filterOf(problem)];
  const settings = transposeSettings(backend, 'conv2dTranspose');
  const inputs = new Shared([dy, filter], settings.length);
  return settings.map(({ setting, choose }) => {
    const compute = () => {
      choose();
      return { dx: tf.conv2dTranspose(dy, filter, [...problem.shape], stride, padding, 'floor') };
    };
    return new TfjsOp(backend, { setting, inputs, compute });
  });
}

/** By the kernel that tfjs's gradient of a convolution calls. */
function weightGradient(backend: Backend, problem: ConvProblem): Implementation {
  const { stride: strides, padding: pad, weightShape } = problem;
  const inputs = { x: tf.tensor4d(problem.x, [...problem.shape]), dy: tf.tensor4d(problem.dy, [...problem.outShape]) };
  const [outputs, height, width, channels] = weightShape;
  const filterShape: Filter = [height, width, channels, outputs];
  const attributes = { strides, pad, dataFormat: 'NHWC', dimRoundingMode: 'floor', filterShape } as const;
  const compute = () => ({ dweight: tf.engine().runKernel(tf.Conv2DBackpropFilter, inputs, attributes) as tf.Tensor });
  return new TfjsOp(backend, {
    setting: 'Conv2DBackpropFilter',
    inputs: new Shared(Object.values(inputs)),
    compute,
    transposed: { dweight: [3, 0, 1, 2] },
  });
}
