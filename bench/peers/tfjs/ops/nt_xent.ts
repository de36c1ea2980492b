import type { Implementation } from '../../../benchmark.ts';
import type { NtXentProblem } from '../../../cases/nt_xent.ts';
import { type Backend, tf } from '../backend.ts';
import { Shared, TfjsOp } from '../op.ts';
import { unitRows } from './cosine_similarity.ts';

/** NT-Xent of z [2N, features], view i beside view i + N: the mean over rows of log Σ_{k≠i} exp sim(i, k) − sim(i, pair of i). */
export function ntXentLoss(z: tf.Tensor2D, temperature: number): tf.Scalar {
  const rows = z.shape[0];
  const unit = unitRows(z);
  const similarity = tf.div(tf.matMul(unit, unit, false, true), temperature);
  const others = tf.sub(similarity, tf.mul(tf.eye(rows), 1e9));
  const [first, second] = tf.split(unit, 2);
  const positive = tf.div(tf.sum(tf.mul(unit, tf.concat([second, first])), 1), temperature);
  return tf.mean(tf.sub(tf.logSumExp(others, 1), positive));
}

export function ntXent(backend: Backend, { z, shape, temperature }: NtXentProblem): readonly Implementation[] {
  const input = tf.tensor2d(z, [...shape]);
  const valueAndGradient = tf.valueAndGrad((value: tf.Tensor) => ntXentLoss(value as tf.Tensor2D, temperature));
  const compute = () => {
    const { value: loss, grad: dz } = valueAndGradient(input);
    return { loss, dz };
  };
  return [new TfjsOp(backend, { setting: 'composed of its ops', inputs: new Shared([input]), compute })];
}
