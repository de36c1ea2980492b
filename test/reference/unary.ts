import type { Definition, Definitions } from './interpreter.ts';

type Scalar = (x: number, slope: number) => number;

/** Φ(x) from erf's series near 0 and the continued fraction of erfc beyond, to 1e-15. */
function normalCdf(x: number): number {
  const z = Math.abs(x) / Math.SQRT2;
  if (z < 2) {
    let term = z;
    let sum = z;
    for (let n = 1; Math.abs(term) > 1e-18; n++) {
      term *= (-z * z) / n;
      sum += term / (2 * n + 1);
    }
    const half = sum / Math.sqrt(Math.PI);
    return x < 0 ? 0.5 - half : 0.5 + half;
  }
  let fraction = 0;
  for (let n = 100; n > 0; n--) fraction = n / 2 / (z + fraction);
  const tail = Math.exp(-z * z) / Math.sqrt(Math.PI) / (z + fraction) / 2;
  return x < 0 ? tail : 1 - tail;
}

const density = (x: number) => Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
const logistic: Scalar = (x) => 1 / (1 + Math.exp(-x));

/** f, and f′ as a function of what the op saves: x or y. */
const functions: Record<string, readonly [f: Scalar, derivative: Scalar]> = {
  exp: [Math.exp, (y) => y],
  log: [Math.log, (x) => 1 / x],
  sqrt: [Math.sqrt, (y) => 1 / (2 * y)],
  abs: [Math.abs, Math.sign],
  square: [(x) => x * x, (x) => 2 * x],
  neg: [(x) => -x, () => -1],
  gelu: [(x) => x * normalCdf(x), (x) => normalCdf(x) + x * density(x)],
  sigmoid: [logistic, (y) => y * (1 - y)],
  tanh: [Math.tanh, (y) => 1 - y * y],
  leaky_relu: [(x, slope) => (x < 0 ? slope * x : x), (x, slope) => (x > 0 ? 1 : slope)],
  softplus: [(x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))), logistic],
};

const definitions = Object.entries(functions).flatMap(([name, [f, derivative]]): [string, Definition][] => [
  [name, ([x], { attrs }) => [x.map((value) => f(value, attrs.slope))]],
  [`${name}_backward`, ([dy, saved], { attrs }) => [dy.map((value, i) => value * derivative(saved[i], attrs.slope))]],
]);

export default Object.fromEntries(definitions) satisfies Definitions;
