import { constant } from '../../src/graph/trace.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { maxPool2d } from '../../src/ops/max_pool.ts';
import { noise } from '../arrays.ts';
import type { ListItems } from '../benchmark.ts';
import { graphItem } from '../graph_implementation.ts';
import { distinctNodes, times } from '../resnet_shapes.ts';

/** The stem's pooling with its gradient. Values to compare: `y` [N, OH, OW, C], `dx` [N, H, W, C]. */
export interface MaxPoolProblem {
  /** [N, H, W, C]. */
  readonly shape: readonly [number, number, number, number];
  /** [N, OH, OW, C]. */
  readonly outShape: readonly [number, number, number, number];
  readonly kernel: number;
  readonly stride: number;
  readonly padding: number;
  readonly x: Float32Array;
  /** The gradient of y. */
  readonly dy: Float32Array;
}

const list: ListItems<MaxPoolProblem> = (request) =>
  distinctNodes('max_pool', request).map(({ inputs: [x], outputs: [y], attrs: { kernel, stride, padding } }) =>
    graphItem<MaxPoolProblem>({
      name: 'max_pool forward + backward',
      shape: `${times(x.shape)}, ${kernel}×${kernel}/${stride}`,
      make: () => ({
        shape: x.shape as unknown as MaxPoolProblem['shape'],
        outShape: y.shape as unknown as MaxPoolProblem['outShape'],
        ...{ kernel, stride, padding },
        x: noise('x', x.size),
        dy: noise('dy', y.size),
      }),
      build: (problem) => {
        const input = constant('x', problem.x, problem.shape);
        const pooled = maxPool2d(input, problem);
        const [dx] = gradients(pooled, [input], constant('dy', problem.dy, problem.outShape));
        return { y: pooled, dx };
      },
      tolerance: () => 1e-6,
    }),
  );

export default list;
