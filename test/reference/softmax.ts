import type { Definitions, Values } from './interpreter.ts';

/** Σ of each row of `columns`. */
const sums = (x: Values, columns: number) =>
  Float64Array.from({ length: x.length / columns }, (_, r) =>
    x.subarray(r * columns, (r + 1) * columns).reduce((a, b) => a + b, 0),
  );

export default {
  softmax([x], { inputs: [{ shape }], attrs: { logarithm } }) {
    const columns = shape.at(-1)!;
    const row = (i: number) => Math.floor(i / columns);
    const largest = Float64Array.from({ length: x.length / columns }, (_, r) =>
      x.subarray(r * columns, (r + 1) * columns).reduce((a, b) => Math.max(a, b)),
    );
    const shifted = x.map((value, i) => value - largest[row(i)]);
    const total = sums(shifted.map(Math.exp), columns);
    return [shifted.map((value, i) => (logarithm ? value - Math.log(total[row(i)]) : Math.exp(value) / total[row(i)]))];
  },
  softmax_backward([dy, y], { inputs: [{ shape }], attrs: { logarithm } }) {
    const columns = shape.at(-1)!;
    const row = (i: number) => Math.floor(i / columns);
    const sum = sums(logarithm ? dy : dy.map((value, i) => value * y[i]), columns);
    return [dy.map((value, i) => (logarithm ? value - Math.exp(y[i]) * sum[row(i)] : y[i] * (value - sum[row(i)])))];
  },
} satisfies Definitions;
