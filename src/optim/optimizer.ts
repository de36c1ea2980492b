import type { Tensor } from '../graph/tensor.ts';
import type { F16Update } from '../ops/f16_copy.ts';
import type { RateRow, Rates } from './rates.ts';

/**
 * Updates one flat variable of weights in the graph that is being traced. What changes from step to step travels in the inputs
 * that `scalars` names; learning rates and decays come from schedules.
 */
export interface Optimizer {
  readonly name: string;
  /** The variables that it keeps, flat like the weights, under PyTorch's names: `exp_avg`, `exp_avg_sq`, `momentum_buffer`. */
  readonly state: readonly { readonly name: string; readonly variable: Tensor }[];
  /**
   * Records an update. While `firstNonFinite` (u32 [1], see `checkFiniteGradients`) is not 0, it changes nothing. With `f16`,
   * gradients are scaled, `scalerStep` decides in place of firstNonFinite, and the copy of the weights is written with them.
   */
  update(gradients: Tensor, firstNonFinite: Tensor, f16?: F16Update): void;
  /** Rows of rates that its parameters take. */
  readonly rows: number;
  /** Values of the inputs of a step, which counts from 1, at a learning rate, or at the rates of each row that parameters take. */
  scalars(step: number, rates: number | readonly Rates[]): Readonly<Record<string, Float32Array>>;
}

/** What every optimiser may be told. */
export interface OptimizerOptions {
  /** Of rows of rates that have none. */
  readonly weightDecay?: number;
  /** Which row of a step's rates a parameter takes; by default there is one row. */
  readonly rowOf?: RateRow;
}

/** Name of the input that has what changes from step to step: a program may have several optimisers. */
export const scalarsOf = (weights: Tensor): string => `optimizer_scalars of ${weights.name}`;

/** Throws unless `value` is finite and at least `least` (more than it, with `open`). */
export function checkSetting(optimizer: string, name: string, value: number, least: number, open = false): void {
  if (Number.isFinite(value) && (open ? value > least : value >= least)) return;
  throw new RangeError(`${optimizer}: ${name} must be ${open ? 'greater than' : 'at least'} ${least}, not ${value}`);
}
