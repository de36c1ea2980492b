import type { Implementation } from '../../../benchmark.ts';
import type { MaxPoolProblem } from '../../../cases/max_pool.ts';
import { type Backend, tf } from '../backend.ts';
import { Shared, TfjsOp } from '../op.ts';

export function maxPool(backend: Backend, problem: MaxPoolProblem): readonly Implementation[] {
  const { kernel, stride, padding } = problem;
  const [x, dy] = [tf.tensor4d(problem.x, [...problem.shape]), tf.tensor4d(problem.dy, [...problem.outShape])];
  const pool = tf.valueAndGrad((input: tf.Tensor) =>
    tf.maxPool(input as tf.Tensor4D, kernel, stride, padding, 'floor'),
  );
  const compute = () => {
    const { value: y, grad: dx } = pool(x, dy);
    return { y, dx };
  };
  return [new TfjsOp(backend, { setting: 'maxPool', inputs: new Shared([x, dy]), compute })];
}
