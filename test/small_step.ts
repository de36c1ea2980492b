import { flatVariable, input, trace, variable } from '../src/graph/trace.ts';
import { ntXent } from '../src/losses/nt_xent.ts';
import { BatchNorm, Conv2d, Linear } from '../src/nn/layers.ts';
import { checkFiniteGradients } from '../src/ops/check_finite.ts';
import { flatten } from '../src/ops/flatten.ts';
import { globalAvgPool } from '../src/ops/global_avg_pool.ts';
import { gradients } from '../src/ops/gradients.ts';
import { relu } from '../src/ops/relu.ts';
import { adam } from '../src/optim/adam.ts';

/** A step of everything but the ResNet: convolution, batch norm, linear head, loss, gradients, Adam. */
export function smallStep() {
  const layers = [
    new Conv2d('conv', 3, 8, { kernel: 3, padding: 1, seed: 1 }),
    new BatchNorm('bn', 8),
    new Linear('fc', 8, 6, 1),
  ] as const;
  const parameters = layers.flatMap((layer) => layer.parameters.map(({ tensor }) => tensor));
  const optimizer = adam(flatVariable('weights', parameters));
  const firstNonFinite = variable('first_non_finite', [1], undefined, 'u32');
  const { graph, result } = trace(() => {
    const [conv, norm, head] = layers;
    const training = { training: true };
    const maps = relu(norm.forward(conv.forward(input('views', [8, 8, 8, 4], 'f32')), training));
    const { loss } = ntXent(head.forward(globalAvgPool(maps)), { temperature: 0.5 });
    const flat = flatten(gradients(loss, parameters));
    checkFiniteGradients(flat, loss, input('step', [1], 'u32'), firstNonFinite);
    optimizer.update(flat, firstNonFinite);
    return { loss };
  });
  return { graph, outputs: result, optimizer };
}
