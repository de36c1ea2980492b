import type { NtXentProblem } from '../../cases/nt_xent.ts';
import type { OpenPeer } from '../../contest.ts';
import { tf, useDevice } from './backend.ts';
import { TfjsOp } from './op.ts';

/** NT-Xent of z [2N, features], view i beside view i + N: the mean over rows of log Σ_{k≠i} exp sim(i, k) − sim(i, pair of i). */
export function ntXent(z: tf.Tensor2D, temperature: number): tf.Scalar {
  const rows = z.shape[0];
  const unit = tf.div(z, tf.norm(z, 'euclidean', 1, true)) as tf.Tensor2D;
  const similarity = tf.div(tf.matMul(unit, unit, false, true), temperature);
  const others = tf.sub(similarity, tf.mul(tf.eye(rows), 1e9));
  const [first, second] = tf.split(unit, 2);
  const positive = tf.div(tf.sum(tf.mul(unit, tf.concat([second, first])), 1), temperature);
  return tf.mean(tf.sub(tf.logSumExp(others, 1), positive));
}

const open: OpenPeer<NtXentProblem> = async (gpu, { z, shape, temperature }) => {
  await useDevice(gpu);
  const input = tf.tensor2d(z, [...shape]);
  const valueAndGradient = tf.valueAndGrad((value: tf.Tensor) => ntXent(value as tf.Tensor2D, temperature));
  return [
    new TfjsOp(gpu, 'composed of its ops', () => {
      const { value, grad } = valueAndGradient(input);
      return { loss: value, dz: grad };
    }),
  ];
};

export default open;
