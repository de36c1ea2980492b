import { tf } from '../backend.ts';

const momentum = 0.1;
const eps = 1e-5;

/** What batch normalisation remembers, as PyTorch has it at first. */
export class RunningStatistics {
  readonly mean: tf.Variable;
  readonly variance: tf.Variable;

  constructor(channels: number) {
    this.mean = tf.variable(tf.zeros([channels]), false);
    this.variance = tf.variable(tf.ones([channels]), false);
  }

  /** Takes in the statistics of a batch of `count` values a channel. */
  update(mean: tf.Tensor, variance: tf.Tensor, count: number): void {
    const unbiased = tf.mul(variance, count / (count - 1));
    this.mean.assign(tf.add(tf.mul(this.mean, 1 - momentum), tf.mul(mean, momentum)));
    this.variance.assign(tf.add(tf.mul(this.variance, 1 - momentum), tf.mul(unbiased, momentum)));
  }

  /** Back to the first values. */
  reset(): void {
    tf.tidy(() => {
      this.mean.assign(tf.zerosLike(this.mean));
      this.variance.assign(tf.onesLike(this.variance));
    });
  }
}

/** Batch normalisation in training, as one writes it with tfjs's ops: its layers do the same. */
export function trainingBatchNorm(
  x: tf.Tensor4D,
  weight: tf.Tensor1D,
  bias: tf.Tensor1D,
  running: RunningStatistics,
): tf.Tensor4D {
  const { mean, variance } = tf.moments(x, [0, 1, 2]);
  running.update(mean, variance, x.size / x.shape[3]);
  return tf.batchNorm(x, mean as tf.Tensor1D, variance as tf.Tensor1D, bias, weight, eps);
}
