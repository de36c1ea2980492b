import type { Tensor } from '../graph/tensor.ts';
import { input, variable } from '../graph/trace.ts';
import { larsUpdate } from '../ops/lars.ts';
import { checkSetting, type Optimizer, type OptimizerOptions, scalarsOf } from './optimizer.ts';
import { countRows, ratesAs } from './rates.ts';

export interface LarsOptions extends OptimizerOptions {
  readonly momentum?: number;
  /** The trust coefficient η. */
  readonly eta?: number;
  /** Which parameters get a trust ratio and decay. Default: those of more than one dimension, so neither biases nor batch norm. */
  readonly adapted?: (parameter: Tensor) => boolean;
}

/** SimCLR's LARS: momentum SGD whose step in each parameter is scaled by η ‖θ‖ / ‖g + wd·θ‖. */
export function lars(
  weights: Tensor,
  {
    momentum = 0.9,
    weightDecay = 0,
    eta = 0.001,
    adapted = (parameter) => parameter.shape.length > 1,
    rowOf = () => 0,
  }: LarsOptions = {},
): Optimizer {
  checkSetting('lars', 'momentum', momentum, 0);
  checkSetting('lars', 'weightDecay', weightDecay, 0);
  checkSetting('lars', 'eta', eta, 0, true);
  const momentumBuffer = variable('momentum_buffer', weights.shape);
  const count = countRows(weights, rowOf);
  const scalars = input(scalarsOf(weights), [count, 2], 'f32');
  return {
    name: 'lars',
    rows: count,
    state: [{ name: momentumBuffer.name, variable: momentumBuffer }],
    update: (gradients, firstNonFinite, f16) =>
      larsUpdate(
        { weights, momentumBuffer, gradients, scalars, firstNonFinite, f16 },
        { adapted, rowOf },
        { momentum, eta },
      ),
    scalars: (_step, rates) => ({
      [scalars.name]: ratesAs(count, rates, weightDecay, (lr, decay) => [lr, decay]),
    }),
  };
}
