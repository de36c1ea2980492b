import type { Node } from '../../src/graph/tensor.ts';
import type { BackwardAttrs, BatchNormAttrs } from '../../src/ops/batch_norm_launches.ts';
import type { Definition, Definitions, Values } from './interpreter.ts';

/** Σ of a value for every channel of x [rows, channels]. */
function channelSums(size: number, channels: number, value: (i: number, channel: number) => number): Values {
  const sums = new Float64Array(channels);
  for (let i = 0; i < size; i++) sums[i % channels] += value(i, i % channels);
  return sums;
}

function batchNorm(inputs: readonly Values[], node: Node): Values[] {
  const { attrs } = node;
  const [x, weight, bias, runningMean, runningVar, tracked] = inputs;
  const { training, eps, momentum, parts } = attrs as BatchNormAttrs;
  if (training && parts > 1) return inParts(inputs, attrs as BatchNormAttrs, node);
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

/** Each part alone, from the same running statistics; theirs are the means of what the parts make of them. */
function inParts(inputs: readonly Values[], attrs: BatchNormAttrs, node: Node): Values[] {
  const [x, weight, bias, ...updated] = inputs;
  const after = updated.map(() => [] as Values[]);
  const outputs = split(x, attrs.parts).map((part) => {
    const own = updated.map((values) => values.slice());
    const made = batchNorm([part, weight, bias, ...own], { ...node, attrs: { ...attrs, parts: 1 } });
    for (const [i, values] of own.entries()) after[i].push(values);
    return made;
  });
  for (const [i, values] of updated.entries())
    values.set(values.map((_, c) => after[i].reduce((sum, part) => sum + part[c], 0) / attrs.parts));
  return [0, 1, 2].map((index) => joined(outputs.map((output) => output[index])));
}

const split = (values: Values, parts: number): Values[] =>
  Array.from({ length: parts }, (_, i) => {
    const size = values.length / parts;
    return values.slice(i * size, (i + 1) * size);
  });

const joined = (parts: readonly Values[]): Values => Float64Array.from(parts.flatMap((part) => [...part]));

const backward: Definition = (inputs, node) => {
  const { training, parts } = node.attrs as BackwardAttrs;
  if (parts > 1) {
    const [x, dy, weight, mean, rstd] = inputs;
    const one = { ...node, attrs: { training, parts: 1 } };
    const pieces = [x, dy, mean, rstd].map((values) => split(values, parts));
    const made = pieces[0].map((_, i) => {
      const [xs, dys, means, rstds] = pieces.map((list) => list[i]);
      return backward([xs, dys, weight, means, rstds], one);
    });
    const sum = (index: number) => weight.map((_, c) => made.reduce((total, part) => total + part[index][c], 0));
    return [joined(made.map(([dx]) => dx)), sum(1), sum(2)];
  }
  return whole(inputs, training);
};

function whole([x, dy, weight, mean, rstd]: readonly Values[], training: boolean): Values[] {
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
}

export default { batch_norm: batchNorm, batch_norm_backward: backward } satisfies Definitions;
