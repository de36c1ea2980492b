import type { Implementation } from '../../../benchmark.ts';
import type { BatchNormProblem } from '../../../cases/batch_norm.ts';
import { type Backend, tf } from '../backend.ts';
import { Shared, TfjsOp } from '../op.ts';
import { RunningStatistics, trainingBatchNorm } from './normalization.ts';

export function batchNorm(backend: Backend, problem: BatchNormProblem): readonly Implementation[] {
  const [x, dy] = [problem.x, problem.dy].map((data) => tf.tensor4d(data, [...problem.shape]));
  const [weight, bias] = [problem.weight, problem.bias].map((data) => tf.tensor1d(data));
  const running = new RunningStatistics(weight.size);
  const normalise = tf.valueAndGrads((...[input, scale, shift]: tf.Tensor[]) =>
    trainingBatchNorm(input as tf.Tensor4D, scale as tf.Tensor1D, shift as tf.Tensor1D, running),
  );
  const compute = () => {
    const { value: y, grads } = normalise([x, weight, bias], dy);
    return { y, dx: grads[0], dweight: grads[1], dbias: grads[2] };
  };
  const inputs = new Shared([x, dy, weight, bias, running.mean, running.variance]);
  return [new TfjsOp(backend, { setting: 'moments and batchNorm', inputs, compute })];
}
