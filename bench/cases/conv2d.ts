import { constant } from '../../src/graph/trace.ts';
import { uniform } from '../../src/nn/init.ts';
import { conv2d } from '../../src/ops/conv2d.ts';
import { gradients } from '../../src/ops/gradients.ts';
import type { OpenCase } from '../contest.ts';
import { GraphContestant } from '../graph_contestant.ts';

/** A 3×3 convolution of ResNet's layer1 in a step of this size, and its gradients for x and the weights. */
export interface ConvProblem {
  /** [2N, side, side, 64]. */
  readonly x: Float32Array;
  readonly shape: readonly [number, number, number, number];
  /** [64, 3, 3, 64]: output, height, width, input. */
  readonly weight: Float32Array;
  /** Like x. */
  readonly dy: Float32Array;
}

const channels = 64;

const open: OpenCase<ConvProblem> = async (gpu, { pairs, imageSize }) => {
  const side = Math.ceil(imageSize / 4);
  const shape = [2 * pairs, side, side, channels] as const;
  const values = (name: string, size: number) => uniform(1, name, size, 1);
  const size = 2 * pairs * side * side * channels;
  const problem = {
    x: values('x', size),
    shape,
    weight: values('weight', channels * 9 * channels),
    dy: values('dy', size),
  };
  const ours = await GraphContestant.open(gpu, () => {
    const x = constant('x', problem.x, shape);
    const weight = constant('weight', problem.weight, [channels, 3, 3, channels]);
    const y = conv2d(x, weight, { stride: 1, padding: 1 });
    const [dx, dweight] = gradients(y, [x, weight], constant('dy', problem.dy, shape));
    return { y, dx, dweight };
  });
  // Sums of up to 2N·side² products in another order.
  return { shape: `${shape.join('×')}, 3×3`, problem, ours, flops: ours.flops, tolerance: () => 1e-4 };
};

export default open;
