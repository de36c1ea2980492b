import type { Definitions, Values } from './interpreter.ts';

const squared = (x: Values, columns: number, i: number, j: number): number => {
  let sum = 0;
  for (let c = 0; c < columns; c++) sum += (x[i * columns + c] - x[j * columns + c]) ** 2;
  return sum;
};

/** exp(−β δ) at all but i, normalised; δ from the nearest, which leaves the quotient as it is. */
function conditional(d: readonly number[], i: number, beta: number): { p: number[]; entropy: number } {
  const nearest = d.reduce((least, value, j) => (j === i ? least : Math.min(least, value)), Number.POSITIVE_INFINITY);
  const weights = d.map((value, j) => (j === i ? 0 : Math.exp(-beta * (value - nearest))));
  const total = weights.reduce((a, b) => a + b);
  const p = weights.map((weight) => weight / total);
  return { p, entropy: -p.reduce((sum, value) => (value > 0 ? sum + value * Math.log(value) : sum), 0) };
}

/** The row whose entropy is the wanted one, by bisection of log β over all that matters. */
function rowOf(d: readonly number[], i: number, entropy: number): number[] {
  let [low, high] = [-40, 40];
  for (let step = 0; step < 100; step++) {
    const middle = (low + high) / 2;
    if (conditional(d, i, Math.exp(middle)).entropy > entropy) low = middle;
    else high = middle;
  }
  return conditional(d, i, Math.exp(low)).p;
}

export default {
  tsne_affinities([x, p], { inputs: [points], attrs: { perplexity } }) {
    const [rows, columns] = points.shape;
    const c = Array.from({ length: rows }, (_, i) =>
      rowOf(
        Array.from({ length: rows }, (_, j) => squared(x, columns, i, j)),
        i,
        Math.log(perplexity),
      ),
    );
    for (let i = 0; i < rows; i++) for (let j = 0; j < rows; j++) p[i * rows + j] = (c[i][j] + c[j][i]) / (2 * rows);
    return [];
  },

  tsne_gradient([p, y, [exaggeration]], { inputs: [, points] }) {
    const [rows] = points.shape;
    const n = (i: number, j: number) => (i === j ? 0 : 1 / (1 + squared(y, 2, i, j)));
    let z = 0;
    for (let i = 0; i < rows; i++) for (let j = 0; j < rows; j++) z += n(i, j);
    const gradient = new Float64Array(2 * rows);
    let loss = 0;
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < rows; j++) {
        const [affinity, q] = [p[i * rows + j], n(i, j) / z];
        if (affinity > 0 && i !== j) loss += affinity * Math.log(affinity / q);
        for (const c of [0, 1]) {
          gradient[2 * i + c] += 4 * (exaggeration * affinity - q) * n(i, j) * (y[2 * i + c] - y[2 * j + c]);
        }
      }
    }
    return [gradient, Float64Array.of(loss)];
  },

  tsne_update([y, velocity, gain, gradient, [rate, momentum]]) {
    for (let i = 0; i < y.length; i++) {
      gain[i] = Math.max(velocity[i] * gradient[i] < 0 ? gain[i] + 0.2 : gain[i] * 0.8, 0.01);
      velocity[i] = momentum * velocity[i] - rate * gain[i] * gradient[i];
      y[i] += velocity[i];
    }
    return [];
  },
} satisfies Definitions;
