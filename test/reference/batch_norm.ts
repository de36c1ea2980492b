import type { Node } from '../../src/graph/tensor.ts';
import type { Definitions, Values } from './interpreter.ts';

/** Σ of a value for every channel of x [rows, channels]. */
function channelSums(size: number, channels: number, value: (i: number, channel: number) => number): Values {
  const sums = new Float64Array(channels);
  for (let i = 0; i < size; i++) sums[i % channels] += value(i, i % channels);
  return sums;
}

function batchNorm(inputs: readonly Values[], { attrs }: Node): Values[] {
  const [x, weight, bias, runningMean, runningVar, tracked] = inputs;
  const { training, eps, momentum } = attrs as { training: boolean; eps: number; momentum: number };
  const channels = weight.length;
  const rows = x.length / channels;
  const update = (running: Values, value: Values) =>
    running.forEach((old, c) => (running[c] = (1 - momentum) * old + momentum * value[c]));
  let mean: Values = runningMean.slice();
  let variance: Values = runningVar.slice();
  if (training) {
    mean = channelSums(x.length, channels, (i) => x[i] / rows);
    variance = channelSums(x.length, channels, (i, c) => (x[i] - mean[c]) ** 2 / rows);
    update(runningMean, mean);
    update(
      runningVar,
      variance.map((value) => (value * rows) / (rows - 1)),
    );
    if (tracked) tracked[0]++;
  }
  const rstd = variance.map((value) => 1 / Math.sqrt(value + eps));
  const y = x.map((value, i) => {
    const c = i % channels;
    return (value - mean[c]) * rstd[c] * weight[c] + bias[c];
  });
  return [y, Float64Array.of(...mean, ...new Float64Array(channels)), rstd];
}

export default {
  batch_norm: batchNorm,
  batch_norm_backward([x, dy, weight, mean, rstd], { attrs: { training } }) {
    const channels = weight.length;
    const rows = x.length / channels;
    const normal = x.map((value, i) => (value - mean[i % channels]) * rstd[i % channels]);
    const dweight = channelSums(x.length, channels, (i) => dy[i] * normal[i]);
    const dbias = channelSums(x.length, channels, (i) => dy[i]);
    const dx = dy.map((value, i) => {
      const c = i % channels;
      const through = training ? (dbias[c] + normal[i] * dweight[c]) / rows : 0;
      return weight[c] * rstd[c] * (value - through);
    });
    return [dx, dweight, dbias];
  },
} satisfies Definitions;
