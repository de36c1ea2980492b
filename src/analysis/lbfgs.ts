/** Minimises a smooth function: limited-memory BFGS (Nocedal & Wright, Numerical Optimization, algorithms 7.4, 7.5, 3.5 and 3.6). */

import { pause } from './pause.ts';

export interface LbfgsOptions {
  /** Steps and changes of the gradient that are kept. */
  readonly memory: number;
  readonly iterations: number;
  /** Ends when no element of the gradient is larger. */
  readonly tolerance: number;
  /** Heard before every iteration; when it is aborted, its reason is thrown. */
  readonly signal?: AbortSignal;
}

/** As scikit-learn calls SciPy's: 10 pairs; a tighter gradient. */
export const lbfgsDefaults: LbfgsOptions = { memory: 10, iterations: 1000, tolerance: 1e-5 };

/** Writes the gradient at x into `gradient` and returns the value. */
export type Objective = (x: Float64Array, gradient: Float64Array) => number;

export interface Minimum {
  readonly x: Float64Array;
  readonly value: number;
  readonly iterations: number;
  /** The gradient is below the tolerance. */
  readonly converged: boolean;
}

interface Pair {
  readonly step: Float64Array;
  readonly change: Float64Array;
  readonly rho: number;
}

/** The minimum that is reached from `start` (which stays as it is). */
export async function lbfgs(
  objective: Objective,
  start: Float64Array,
  options: Partial<LbfgsOptions> = {},
): Promise<Minimum> {
  const { memory, iterations, tolerance, signal } = { ...lbfgsDefaults, ...options };
  let x = start.slice();
  let gradient = new Float64Array(x.length);
  let value = objective(x, gradient);
  const pairs: Pair[] = [];
  for (let iteration = 0; ; iteration++) {
    await pause(signal);
    if (largest(gradient) <= tolerance) return { x, value, iterations: iteration, converged: true };
    if (iteration === iterations) return { x, value, iterations: iteration, converged: false };
    const direction = descent(gradient, pairs);
    const first = iteration === 0 ? Math.min(1, 1 / norm(gradient)) : 1;
    const found = lineSearch(objective, { x, value, gradient }, direction, first);
    if (!found) {
      // Where rounding hides all progress: once more along the gradient alone, then it is the end.
      if (pairs.length === 0) return { x, value, iterations: iteration, converged: false };
      pairs.length = 0;
      continue;
    }
    remember(pairs, memory, { x, gradient }, found);
    ({ x, value, gradient } = found);
  }
}

interface Point {
  readonly x: Float64Array<ArrayBuffer>;
  readonly value: number;
  readonly gradient: Float64Array<ArrayBuffer>;
}

function remember(pairs: Pair[], memory: number, from: Omit<Point, 'value'>, to: Point): void {
  const step = to.x.map((item, i) => item - from.x[i]);
  const change = to.gradient.map((item, i) => item - from.gradient[i]);
  const curvature = dot(step, change);
  if (curvature <= 1e-12 * dot(change, change)) return;
  pairs.push({ step, change, rho: 1 / curvature });
  if (pairs.length > memory) pairs.shift();
}

/** −H g by the two loops over the kept pairs. */
function descent(gradient: Float64Array, pairs: readonly Pair[]): Float64Array {
  const q = gradient.slice();
  const alphas: number[] = [];
  for (const { step, change, rho } of pairs.toReversed()) {
    const alpha = rho * dot(step, q);
    alphas.push(alpha);
    addScaled(q, change, -alpha);
  }
  const last = pairs.at(-1);
  const scale = last ? 1 / (last.rho * dot(last.change, last.change)) : 1;
  for (let i = 0; i < q.length; i++) q[i] *= scale;
  for (const { step, change, rho } of pairs) addScaled(q, step, alphas.pop()! - rho * dot(change, q));
  return q.map((item) => -item);
}

const sufficient = 1e-4;
const curvatureShare = 0.9;

/** A point along the direction that fulfils the strong Wolfe conditions, by widening and then bisecting; undefined if none is found. */
function lineSearch(objective: Objective, from: Point, direction: Float64Array, first: number): Point | undefined {
  const slope = dot(from.gradient, direction);
  if (!(slope < 0)) return undefined;
  let low = 0;
  let lowValue = from.value;
  let high = Number.POSITIVE_INFINITY;
  let length = first;
  for (let trial = 0; trial < 40; trial++) {
    const x = from.x.map((item, i) => item + length * direction[i]);
    const gradient = new Float64Array(x.length);
    const value = objective(x, gradient);
    const here = dot(gradient, direction);
    const tooHigh = !(value <= from.value + sufficient * length * slope) || value > lowValue;
    if (!tooHigh && Math.abs(here) <= -curvatureShare * slope) return { x, value, gradient };
    if (tooHigh || here > 0) high = length;
    else {
      low = length;
      lowValue = value;
    }
    length = high === Number.POSITIVE_INFINITY ? 2 * length : (low + high) / 2;
  }
  return undefined;
}

const dot = (a: Float64Array, b: Float64Array): number => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
};

const norm = (a: Float64Array): number => Math.sqrt(dot(a, a));

const largest = (a: Float64Array): number => a.reduce((most, item) => Math.max(most, Math.abs(item)), 0);

function addScaled(target: Float64Array, other: Float64Array, by: number): void {
  for (let i = 0; i < target.length; i++) target[i] += by * other[i];
}
