import type { Tensor } from '../graph/tensor.ts';
import { input, variable } from '../graph/trace.ts';
import { sgdUpdate } from '../ops/sgd.ts';
import { checkSetting, type Optimizer, scalarsOf } from './optimizer.ts';

export interface SgdOptions {
  readonly momentum?: number;
  readonly weightDecay?: number;
  readonly nesterov?: boolean;
}

/** Stochastic gradient descent with momentum, PyTorch's `SGD` with dampening 0. */
export function sgd(
  weights: Tensor,
  { momentum = 0.9, weightDecay = 0, nesterov = false }: SgdOptions = {},
): Optimizer {
  checkSetting('sgd', 'momentum', momentum, 0, nesterov);
  checkSetting('sgd', 'weightDecay', weightDecay, 0);
  const momentumBuffer = variable('momentum_buffer', weights.shape);
  const scalars = input(scalarsOf(weights), [1], 'f32');
  return {
    name: 'sgd',
    state: [{ name: momentumBuffer.name, variable: momentumBuffer }],
    update: (gradients, firstNonFinite, f16) =>
      sgdUpdate(
        { weights, momentumBuffer, gradients, scalars, firstNonFinite, f16 },
        { momentum, weightDecay, nesterov },
      ),
    scalars: (_step, lr) => ({ [scalars.name]: Float32Array.of(lr) }),
  };
}
