/** The two directions in which points vary most: where t-SNE begins. */

const iterations = 200;

/**
 * Coordinates [rows, 2] of x [rows, dimensions] along its first two principal components, in float64: the covariance matrix, and
 * orthogonal iteration from fixed vectors. A component's sign is such that its element of largest magnitude is positive.
 */
export function firstComponents(x: Float32Array, dimensions: number): Float64Array {
  const rows = x.length / dimensions;
  const mean = new Float64Array(dimensions);
  x.forEach((value, i) => {
    mean[i % dimensions] += value / rows;
  });
  const covariance = covarianceOf(x, mean);
  let [first, second] = [unit(start(dimensions, 1)), unit(start(dimensions, 2))];
  for (let i = 0; i < iterations; i++) {
    first = unit(multiply(covariance, first));
    second = unit(without(multiply(covariance, second), first));
  }
  const components = [first, second].map(positive);
  return Float64Array.from({ length: 2 * rows }, (_, at) => {
    const [row, component] = [Math.floor(at / 2), components[at % 2]];
    return component.reduce((sum, value, d) => sum + value * (x[row * dimensions + d] - mean[d]), 0);
  });
}

/** Σ over the rows of (x − mean)(x − mean)ᵀ / rows, [dimensions, dimensions]. */
function covarianceOf(x: Float32Array, mean: Float64Array): Float64Array {
  const dimensions = mean.length;
  const rows = x.length / dimensions;
  const covariance = new Float64Array(dimensions * dimensions);
  const row = new Float64Array(dimensions);
  for (let i = 0; i < rows; i++) {
    for (let d = 0; d < dimensions; d++) row[d] = x[i * dimensions + d] - mean[d];
    for (let a = 0; a < dimensions; a++) {
      const factor = row[a] / rows;
      for (let b = a; b < dimensions; b++) covariance[a * dimensions + b] += factor * row[b];
    }
  }
  for (let a = 0; a < dimensions; a++) {
    for (let b = 0; b < a; b++) covariance[a * dimensions + b] = covariance[b * dimensions + a];
  }
  return covariance;
}

/** A fixed vector that no data is likely to be orthogonal to. */
const start = (dimensions: number, which: number): Float64Array =>
  Float64Array.from({ length: dimensions }, (_, d) => Math.cos(which * (d + 1)) + which / 10);

const dot = (a: Float64Array, b: Float64Array): number => a.reduce((sum, value, i) => sum + value * b[i], 0);

function multiply(matrix: Float64Array, vector: Float64Array): Float64Array {
  const n = vector.length;
  return vector.map((_, a) => dot(matrix.subarray(a * n, (a + 1) * n), vector));
}

const without = (a: Float64Array, direction: Float64Array): Float64Array => {
  const along = dot(a, direction);
  return a.map((value, i) => value - along * direction[i]);
};

/** At length one; zero stays zero. */
function unit(a: Float64Array): Float64Array {
  const norm = Math.sqrt(dot(a, a));
  return norm > 0 ? a.map((value) => value / norm) : a;
}

function positive(a: Float64Array): Float64Array {
  const most = a.reduce((best, value) => (Math.abs(value) > Math.abs(best) ? value : best), 0);
  return most < 0 ? a.map((value) => -value) : a;
}
