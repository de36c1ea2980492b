import type { Tensor } from '../graph/tensor.ts';
import { input, variable } from '../graph/trace.ts';
import { adamUpdate } from '../ops/adam.ts';
import { checkSetting, type Optimizer, type OptimizerOptions, scalarsOf } from './optimizer.ts';
import { countRows, rateRows, ratesAs } from './rates.ts';

export interface AdamOptions extends OptimizerOptions {
  readonly betas?: readonly [number, number];
  readonly eps?: number;
  /** AdamW instead of Adam. */
  readonly decoupled?: boolean;
}

/** Adam with L2 decay in the gradients, PyTorch's `Adam`; with `decoupled`, PyTorch's `AdamW`. */
export function adam(
  weights: Tensor,
  { betas: [beta1, beta2] = [0.9, 0.999], eps = 1e-8, weightDecay = 0, decoupled = false, rowOf }: AdamOptions = {},
): Optimizer {
  const name = decoupled ? 'adamw' : 'adam';
  checkSetting(name, 'eps', eps, 0, true); // padding has g = v = 0: without eps it would become 0/0
  checkSetting(name, 'weightDecay', weightDecay, 0);
  const expAvg = variable('exp_avg', weights.shape);
  const expAvgSq = variable('exp_avg_sq', weights.shape);
  const count = countRows(weights, rowOf);
  const scalars = input(scalarsOf(weights), [count, 4], 'f32');
  const rows = rateRows(weights, rowOf);
  return {
    name,
    rows: count,
    state: [expAvg, expAvgSq].map((moment) => ({ name: moment.name, variable: moment })),
    update: (gradients, firstNonFinite, f16) =>
      adamUpdate(
        { weights, expAvg, expAvgSq, gradients, scalars, rows, firstNonFinite, f16 },
        { beta1, beta2, eps, decoupled },
      ),
    scalars: (step, rates) => ({
      [scalars.name]: ratesAs(count, rates, weightDecay, (lr, decay) => [
        lr,
        lr / (1 - beta1 ** step),
        Math.sqrt(1 - beta2 ** step),
        decay,
      ]),
    }),
  };
}
