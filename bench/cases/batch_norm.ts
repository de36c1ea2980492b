import type { Tensor } from '../../src/graph/tensor.ts';
import { constant, variable } from '../../src/graph/trace.ts';
import { batchNorm } from '../../src/ops/batch_norm.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { noise } from '../arrays.ts';
import type { Item, ListItems } from '../benchmark.ts';
import { graphItem } from '../graph_implementation.ts';
import { distinctNodes, times } from '../resnet_shapes.ts';

/**
 * Batch normalisation in training with its gradients: the batch's statistics over N, H, W, biased variance, eps 1e-5; the running
 * statistics [C] (from zeros and ones) are updated with momentum 0.1 and the unbiased variance. Values to compare: `y`, `dx`
 * [N, H, W, C], `dweight`, `dbias` [C].
 */
export interface BatchNormProblem {
  /** [N, H, W, C]. */
  readonly shape: readonly [number, number, number, number];
  readonly x: Float32Array;
  /** Scale and shift, [C]. */
  readonly weight: Float32Array;
  readonly bias: Float32Array;
  /** The gradient of y. */
  readonly dy: Float32Array;
}

function build({ shape, ...problem }: BatchNormProblem): Record<string, Tensor> {
  const channels = [shape[3]];
  const x = constant('x', problem.x, shape);
  const weight = constant('weight', problem.weight, channels);
  const bias = constant('bias', problem.bias, channels);
  const runningMean = variable('running_mean', channels);
  const runningVar = variable('running_var', channels, () => new Float32Array(shape[3]).fill(1));
  const y = batchNorm(x, { weight, bias, runningMean, runningVar });
  const [dx, dweight, dbias] = gradients(y, [x, weight, bias], constant('dy', problem.dy, shape));
  return { y, dx, dweight, dbias };
}

const itemOf = (x: Tensor): Item<BatchNormProblem> => {
  const [channels] = x.shape.slice(-1);
  return graphItem<BatchNormProblem>({
    name: 'batch_norm training',
    shape: times(x.shape),
    make: () => ({
      shape: x.shape as unknown as BatchNormProblem['shape'],
      x: noise('x', x.size).map((value) => value + 0.25),
      weight: noise('weight', channels),
      bias: noise('bias', channels),
      dy: noise('dy', x.size),
    }),
    build,
    // Sums of N·H·W numbers of either sign in another order.
    tolerance: () => 1e-4,
  });
};

/** Every map that ResNet-18 normalises; with `quick` the largest and the smallest. */
const list: ListItems<BatchNormProblem> = (request) => {
  const maps = distinctNodes('batch_norm', request).map(({ inputs: [x] }) => x);
  const shown = request.quick ? [maps[0], maps.at(-1)!] : maps;
  return shown.map(itemOf);
};

export default list;
