/** Multinomial logistic regression on features: the linear probe. On the CPU, in float64, the same on every machine. */
import { epochOrder } from '../data/order.ts';
import { type LbfgsOptions, lbfgs, type Objective } from './lbfgs.ts';
import { pause } from './pause.ts';
import { type Recognition, recognition } from './recognition.ts';

/** Rows with their classes. */
export interface Samples {
  /** [rows, dimensions] */
  readonly x: Float32Array;
  /** Class of each row, from 0. */
  readonly labels: ArrayLike<number>;
}

/** logits = W x + b: weights [classes, dimensions] and then the biases [classes], in one array. */
export interface LinearModel {
  readonly classes: number;
  readonly dimensions: number;
  readonly parameters: Float64Array;
  /** Iterations (L-BFGS) or epochs (SGD) that it took. */
  readonly iterations: number;
  readonly converged: boolean;
}

export const emptyModel = (classes: number, dimensions: number): LinearModel => ({
  classes,
  dimensions,
  parameters: new Float64Array(classes * (dimensions + 1)),
  iterations: 0,
  converged: false,
});

/**
 * Adds the mean cross-entropy of rows `order[from … to)` and its gradient:
 * loss = mean(log Σ_c exp l_c − l_label), ∂loss/∂l = (softmax(l) − onehot) / rows.
 */
function addLoss(
  { x, labels }: Samples,
  order: Uint32Array | undefined,
  from: number,
  to: number,
  { parameters, classes, dimensions }: Pick<LinearModel, 'parameters' | 'classes' | 'dimensions'>,
  gradient: Float64Array,
): number {
  const logits = new Float64Array(classes);
  const biases = classes * dimensions;
  const share = 1 / (to - from);
  let loss = 0;
  for (let i = from; i < to; i++) {
    const row = order ? order[i] : i;
    logitsOf(x, row * dimensions, parameters, logits, dimensions);
    const lse = logSumExp(logits);
    const label = labels[row];
    loss += (lse - logits[label]) * share;
    for (let c = 0; c < classes; c++) {
      const error = (Math.exp(logits[c] - lse) - (c === label ? 1 : 0)) * share;
      gradient[biases + c] += error;
      addRow(gradient, c * dimensions, x, row * dimensions, error, dimensions);
    }
  }
  return loss;
}

function logitsOf(
  x: Float32Array,
  at: number,
  parameters: Float64Array,
  logits: Float64Array,
  dimensions: number,
): void {
  const classes = logits.length;
  for (let c = 0; c < classes; c++) {
    const w = c * dimensions;
    let [s0, s1, s2, s3] = [parameters[classes * dimensions + c], 0, 0, 0];
    let d = 0;
    for (; d + 3 < dimensions; d += 4) {
      s0 += x[at + d] * parameters[w + d];
      s1 += x[at + d + 1] * parameters[w + d + 1];
      s2 += x[at + d + 2] * parameters[w + d + 2];
      s3 += x[at + d + 3] * parameters[w + d + 3];
    }
    for (; d < dimensions; d++) s0 += x[at + d] * parameters[w + d];
    logits[c] = s0 + s1 + (s2 + s3);
  }
}

function addRow(
  target: Float64Array,
  to: number,
  x: Float32Array,
  at: number,
  factor: number,
  dimensions: number,
): void {
  for (let d = 0; d < dimensions; d++) target[to + d] += factor * x[at + d];
}

function logSumExp(values: Float64Array): number {
  let most = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < values.length; i++) if (values[i] > most) most = values[i];
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += Math.exp(values[i] - most);
  return most + Math.log(sum);
}

/** Adds l2/2 ‖W‖² (biases are free) and its gradient. */
function addPenalty(parameters: Float64Array, weights: number, l2: number, gradient: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < weights; i++) {
    sum += parameters[i] * parameters[i];
    gradient[i] += l2 * parameters[i];
  }
  return (l2 / 2) * sum;
}

/**
 * The minimum of mean cross-entropy + l2/2 ‖W‖² by L-BFGS, from zero or from `start`. scikit-learn's C is 1 / (rows · l2).
 */
export async function fitLbfgs(
  samples: Samples,
  dimensions: number,
  classes: number,
  { l2, start, ...options }: { l2: number; start?: LinearModel } & Partial<LbfgsOptions>,
): Promise<LinearModel> {
  const objective: Objective = (parameters, gradient) => {
    gradient.fill(0);
    const loss = addLoss(samples, undefined, 0, samples.labels.length, { parameters, classes, dimensions }, gradient);
    return loss + addPenalty(parameters, classes * dimensions, l2, gradient);
  };
  const found = await lbfgs(objective, (start ?? emptyModel(classes, dimensions)).parameters, options);
  const { x: parameters, iterations, converged } = found;
  return { classes, dimensions, parameters, iterations, converged };
}

export interface SgdOptions {
  /** At the beginning; it falls to zero by half a cosine. */
  readonly lr: number;
  readonly epochs: number;
  readonly batchSize: number;
  /** Nesterov's. */
  readonly momentum: number;
  readonly l2: number;
  readonly seed: number;
  /** Heard before every epoch; when it is aborted, its reason is thrown. */
  readonly signal?: AbortSignal;
}

/** The probe of many papers: SGD with Nesterov's momentum over batches in a new order every epoch (Chen et al., 2020, B.5). */
export async function fitSgd(
  samples: Samples,
  dimensions: number,
  classes: number,
  { lr, epochs, batchSize, momentum, l2, seed, signal }: SgdOptions,
): Promise<LinearModel> {
  const { parameters } = emptyModel(classes, dimensions);
  const velocity = new Float64Array(parameters.length);
  const gradient = new Float64Array(parameters.length);
  const rows = samples.labels.length;
  const steps = Math.ceil(rows / batchSize);
  let order = epochOrder(rows, seed, 0);
  for (let step = 0; step < epochs * steps; step++) {
    const epoch = Math.floor(step / steps);
    const at = (step % steps) * batchSize;
    if (at === 0) {
      await pause(signal);
      order = epochOrder(rows, seed, epoch);
    }
    gradient.fill(0);
    addLoss(samples, order, at, Math.min(rows, at + batchSize), { parameters, classes, dimensions }, gradient);
    addPenalty(parameters, classes * dimensions, l2, gradient);
    const rate = (lr * (1 + Math.cos((Math.PI * step) / (epochs * steps)))) / 2;
    for (let i = 0; i < parameters.length; i++) {
      velocity[i] = momentum * velocity[i] + gradient[i];
      parameters[i] -= rate * (gradient[i] + momentum * velocity[i]);
    }
  }
  return { classes, dimensions, parameters, iterations: epochs, converged: true };
}

/** The class with the largest logit of each row; of equals the first. */
export function predict({ parameters, classes, dimensions }: LinearModel, x: Float32Array): Int32Array {
  const logits = new Float64Array(classes);
  return Int32Array.from({ length: x.length / dimensions }, (_, row) => {
    logitsOf(x, row * dimensions, parameters, logits, dimensions);
    let best = 0;
    for (let c = 1; c < classes; c++) if (logits[c] > logits[best]) best = c;
    return best;
  });
}

/** Mean cross-entropy and accuracies of a model. */
export function score(model: LinearModel, samples: Samples): Recognition & { loss: number } {
  const scratch = new Float64Array(model.parameters.length);
  const loss = addLoss(samples, undefined, 0, samples.labels.length, model, scratch);
  return { loss, ...recognition(predict(model, samples.x), samples.labels) };
}

/** Share of predictions that are the label. */
export function accuracyOf(predicted: ArrayLike<number>, labels: ArrayLike<number>): number {
  let right = 0;
  for (let i = 0; i < labels.length; i++) if (predicted[i] === labels[i]) right++;
  return right / labels.length;
}
