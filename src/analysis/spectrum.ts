/** Eigenvalues of symmetric matrices, and what they say of features: how many directions these really use. */
import { pause } from './pause.ts';

/** Added to each share of the spectrum, as in the paper. */
const epsilon = 1e-7;
/** Halvings of an interval: more than the digits of a float64. */
const halvings = 60;

/**
 * RankMe (Garrido et al., 2023, arXiv 2210.02885): the effective rank of features x [rows, dimensions] (Roy & Vetterli, 2007),
 *
 *   exp(−Σₖ pₖ log pₖ),  pₖ = σₖ / Σⱼ σⱼ + 10⁻⁷
 *
 * with the singular values σ of x, which is not centred. From 1, where all rows point in one direction, to the number of dimensions (or of rows).
 * When the signal is aborted, its reason is thrown.
 */
export async function effectiveRank(x: Float32Array, dimensions: number, signal?: AbortSignal): Promise<number> {
  const values = (await singularValues(x, dimensions, signal)).subarray(0, x.length / dimensions); // no more than there are rows
  const sum = values.reduce((total, value) => total + value, 0);
  if (sum === 0) return 0;
  const entropy = values.reduce((total, value) => {
    const p = value / sum + epsilon;
    return total - p * Math.log(p);
  }, 0);
  return Math.exp(entropy);
}

/** Singular values of x [rows, dimensions], largest first, in float64: the square roots of the eigenvalues of xᵀx. */
export async function singularValues(x: Float32Array, dimensions: number, signal?: AbortSignal): Promise<Float64Array> {
  const rows = x.length / dimensions;
  const gram = new Float64Array(dimensions * dimensions);
  for (let row = 0; row < rows; row++) {
    const values = x.subarray(row * dimensions, (row + 1) * dimensions);
    for (let a = 0; a < dimensions; a++) {
      const [factor, at] = [values[a], a * dimensions];
      if (factor === 0) continue; // features behind a ReLU
      for (let b = a; b < dimensions; b++) gram[at + b] += factor * values[b];
    }
    if (row % 256 === 255) await pause(signal);
  }
  for (let a = 0; a < dimensions; a++) for (let b = 0; b < a; b++) gram[a * dimensions + b] = gram[b * dimensions + a];
  return (await eigenvalues(gram, dimensions, signal)).map((value) => Math.sqrt(Math.max(0, value)));
}

/** Eigenvalues of a symmetric matrix [n, n], largest first: Householder's reduction to three diagonals, then bisection. */
export async function eigenvalues(matrix: Float64Array, n: number, signal?: AbortSignal): Promise<Float64Array> {
  const { diagonal, beside } = await tridiagonal(matrix.slice(), n, signal);
  const squares = beside.map((value) => value * value);
  const radius = diagonal.map((_, i) => Math.abs(beside[i - 1] ?? 0) + Math.abs(beside[i] ?? 0));
  const low = diagonal.reduce((least, value, i) => Math.min(least, value - radius[i]), Number.POSITIVE_INFINITY);
  const high = diagonal.reduce((most, value, i) => Math.max(most, value + radius[i]), Number.NEGATIVE_INFINITY);
  const found = new Float64Array(n);
  for (let k = 0; k < n; k++) {
    let [below, above] = [low, k === 0 ? high : found[k - 1]];
    for (let i = 0; i < halvings; i++) {
      const middle = (below + above) / 2;
      if (countBelow(diagonal, squares, middle) > n - 1 - k) above = middle;
      else below = middle;
    }
    found[k] = (below + above) / 2;
    if (k % 64 === 63) await pause(signal);
  }
  return found;
}

/** The three diagonals of a symmetric matrix with the same eigenvalues. `a` is overwritten. */
async function tridiagonal(a: Float64Array, n: number, signal: AbortSignal | undefined) {
  const beside = new Float64Array(Math.max(0, n - 1));
  const [v, p] = [new Float64Array(n), new Float64Array(n)];
  for (let k = 0; k < n - 1; k++) {
    const first = a[k * n + k + 1];
    let square = 0;
    for (let i = k + 1; i < n; i++) square += (v[i] = a[k * n + i]) ** 2;
    if (square === first * first) {
      beside[k] = first; // nothing to reflect
      continue;
    }
    // I − v vᵀ / h maps the row behind the diagonal to (±its length, 0, …, 0).
    beside[k] = first > 0 ? -Math.sqrt(square) : Math.sqrt(square);
    v[k + 1] = first - beside[k];
    reflect(a, n, k + 1, v, p, square - first * beside[k]);
    if (k % 32 === 31) await pause(signal);
  }
  return { diagonal: Float64Array.from({ length: n }, (_, i) => a[i * n + i]), beside };
}

/** a ← (I − v vᵀ / h) a (I − v vᵀ / h), for rows and columns from `from` on: a − v qᵀ − q vᵀ with p = a v / h, q = p − v (v·p) / 2h. */
function reflect(a: Float64Array, n: number, from: number, v: Float64Array, p: Float64Array, h: number): void {
  let product = 0;
  for (let i = from; i < n; i++) {
    let sum = 0;
    for (let j = from; j < n; j++) sum += a[i * n + j] * v[j];
    p[i] = sum / h;
    product += v[i] * p[i];
  }
  for (let i = from; i < n; i++) p[i] -= (product / (2 * h)) * v[i];
  for (let i = from; i < n; i++) {
    const [vi, qi, at] = [v[i], p[i], i * n];
    for (let j = from; j < n; j++) a[at + j] -= vi * p[j] + qi * v[j];
  }
}

/** How many eigenvalues are below x: the negative pivots of the matrix − x (Sylvester's law of inertia). */
function countBelow(diagonal: Float64Array, squares: Float64Array, x: number): number {
  let count = 0;
  let pivot = 1;
  for (let i = 0; i < diagonal.length; i++) {
    const before = pivot === 0 ? Number.MIN_VALUE : pivot;
    pivot = diagonal[i] - x - (i === 0 ? 0 : squares[i - 1] / before);
    if (pivot < 0) count++;
  }
  return count;
}
