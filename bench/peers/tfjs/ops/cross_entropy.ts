import type { Implementation } from '../../../benchmark.ts';
import type { CrossEntropyProblem } from '../../../cases/cross_entropy.ts';
import { type Backend, tf } from '../backend.ts';
import { Shared, TfjsOp } from '../op.ts';

/** With labels as tfjs wants them, a one in each row, made beforehand. */
export function crossEntropy(backend: Backend, problem: CrossEntropyProblem): readonly Implementation[] {
  const { rows, classes } = problem;
  const logits = tf.tensor2d(problem.logits, [rows, classes]);
  const labels = tf.tidy(() => tf.cast(tf.oneHot(tf.tensor1d(problem.labels, 'int32'), classes), 'float32'));
  const valueAndGradient = tf.valueAndGrad((x: tf.Tensor) => tf.losses.softmaxCrossEntropy(labels, x));
  const compute = () => {
    const { value: loss, grad: dlogits } = valueAndGradient(logits);
    return { loss, dlogits };
  };
  return [new TfjsOp(backend, { setting: 'softmaxCrossEntropy', inputs: new Shared([logits, labels]), compute })];
}
