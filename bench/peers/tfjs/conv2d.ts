import type { ConvProblem } from '../../cases/conv2d.ts';
import type { OpenPeer } from '../../contest.ts';
import { chooseConvTranspose, convTransposes, tf, useDevice } from './backend.ts';
import { TfjsOp } from './op.ts';

const open: OpenPeer<ConvProblem> = async (gpu, problem) => {
  await useDevice(gpu);
  const [input, seed] = [problem.x, problem.dy].map((data) => tf.tensor4d(data, [...problem.shape]));
  const [channels] = problem.shape.slice(3);
  const filter = tf.tidy(() => tf.transpose(tf.tensor4d(problem.weight, [channels, 3, 3, channels]), [1, 2, 3, 0]));
  const conv = (x: tf.Tensor, weight: tf.Tensor) => tf.conv2d(x as tf.Tensor4D, weight as tf.Tensor4D, 1, 1);
  const compute = () => {
    const { value: y, grads } = tf.valueAndGrads(conv)([input, filter], seed);
    return { y, dx: grads[0], dweight: grads[1] };
  };
  return convTransposes.map(({ setting, naive }) => {
    const withKernel = () => {
      chooseConvTranspose(naive);
      return compute();
    };
    return new TfjsOp(gpu, setting, withKernel, { dweight: [3, 0, 1, 2] });
  });
};

export default open;
