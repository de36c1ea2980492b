import type { Tensor } from '../graph/tensor.ts';
import { input, variable } from '../graph/trace.ts';
import { sgdUpdate } from '../ops/sgd.ts';
import { checkSetting, type Optimizer, type OptimizerOptions, scalarsOf } from './optimizer.ts';
import { countRows, rateRows, ratesAs } from './rates.ts';

export interface SgdOptions extends OptimizerOptions {
  readonly momentum?: number;
  readonly nesterov?: boolean;
}

/** Stochastic gradient descent with momentum, PyTorch's `SGD` with dampening 0. */
export function sgd(
  weights: Tensor,
  { momentum = 0.9, weightDecay = 0, nesterov = false, rowOf }: SgdOptions = {},
): Optimizer {
  checkSetting('sgd', 'momentum', momentum, 0, nesterov);
  checkSetting('sgd', 'weightDecay', weightDecay, 0);
  const momentumBuffer = variable('momentum_buffer', weights.shape);
  const count = countRows(weights, rowOf);
  const scalars = input(scalarsOf(weights), [count, 2], 'f32');
  const rows = rateRows(weights, rowOf);
  return {
    name: 'sgd',
    rows: count,
    state: [{ name: momentumBuffer.name, variable: momentumBuffer }],
    update: (gradients, firstNonFinite, f16) =>
      sgdUpdate({ weights, momentumBuffer, gradients, scalars, rows, firstNonFinite, f16 }, { momentum, nesterov }),
    scalars: (_step, rates) => ({
      [scalars.name]: ratesAs(count, rates, weightDecay, (lr, decay) => [lr, decay]),
    }),
  };
}
