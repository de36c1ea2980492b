/** NT-Xent worked out step by step in float64, for people to follow. */

export interface LossExample {
  readonly temperature: number;
  /** What the rows are: view 1 of each sample, then view 2 of each. */
  readonly rows: readonly string[];
  /** Cosine similarities of the embeddings, [2N, 2N]. */
  readonly cosines: readonly (readonly number[])[];
  /** Softmax of cosine / temperature over the other rows; on the diagonal 0: a row is no candidate of its own. */
  readonly probabilities: readonly (readonly number[])[];
  /** −log of the probability of the positive, a row each. */
  readonly losses: readonly number[];
  /** Their mean: the loss of the batch. */
  readonly loss: number;
  /** The same loss by the GPU's kernel, in f32. */
  readonly kernelLoss: number;
}

/**
 * c_ik = cos(z_i, z_k), p_ik = exp(c_ik/τ) / Σ_{j≠i} exp(c_ij/τ), loss = mean_i −log p_i,pos(i), with pos(i) = (i + N) mod 2N
 * (Chen et al., 2020).
 * @param z embeddings [2N, D], half-split, of any length
 * @param rows names of the 2N rows
 */
export function workOutLoss(
  z: Float32Array,
  rows: readonly string[],
  temperature: number,
): Omit<LossExample, 'kernelLoss'> {
  const count = rows.length;
  const unit = rows.map((_, i) => normalised(z.subarray((i * z.length) / count, ((i + 1) * z.length) / count)));
  const cosines = unit.map((a) => unit.map((b) => dot(a, b)));
  const logProbabilities = cosines.map((row, i) => logSoftmaxWithout(row, i, temperature));
  const losses = logProbabilities.map((row, i) => -row[(i + count / 2) % count]);
  return {
    temperature,
    rows,
    cosines,
    probabilities: logProbabilities.map((row) => row.map(Math.exp)),
    losses,
    loss: losses.reduce((sum, value) => sum + value, 0) / count,
  };
}

const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, value, i) => sum + value * b[i], 0);

function normalised(z: Float32Array): number[] {
  const values = Array.from(z);
  const norm = Math.sqrt(dot(values, values));
  return values.map((value) => value / norm);
}

/** log softmax of row / τ over all entries but `self`, which gets −∞. */
function logSoftmaxWithout(row: readonly number[], self: number, temperature: number): number[] {
  const logits = row.map((value, k) => (k === self ? Number.NEGATIVE_INFINITY : value / temperature));
  const largest = Math.max(...logits);
  const sum = logits.reduce((total, logit) => total + Math.exp(logit - largest), 0);
  return logits.map((logit) => logit - largest - Math.log(sum));
}
