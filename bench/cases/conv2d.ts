import type { Node, Tensor } from '../../src/graph/tensor.ts';
import { constant } from '../../src/graph/trace.ts';
import { conv2d } from '../../src/ops/conv2d.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { noise } from '../arrays.ts';
import type { Item, ListItems } from '../benchmark.ts';
import { graphItem } from '../graph_implementation.ts';
import { distinctNodes, times } from '../resnet_shapes.ts';

export const directions = ['forward', 'input gradient', 'weight gradient'] as const;

/**
 * A convolution of ResNet-18 without bias, in one direction. Values to compare: `y` like outShape, `dx` like shape, or `dweight`
 * like weightShape, and no other; all NHWC, weights [O, kh, kw, I].
 */
export interface ConvProblem {
  readonly direction: (typeof directions)[number];
  /** [N, H, W, I]; the stem's images have a fourth channel. */
  readonly shape: readonly [number, number, number, number];
  /** [O, kh, kw, I]. */
  readonly weightShape: readonly [number, number, number, number];
  /** [N, OH, OW, O]. */
  readonly outShape: readonly [number, number, number, number];
  readonly stride: number;
  /** Zeros on each side. */
  readonly padding: number;
  readonly x: Float32Array;
  readonly weight: Float32Array;
  /** The gradient of y, which the gradients start from. */
  readonly dy: Float32Array;
}

const size = (shape: readonly number[]): number => shape.reduce((product, length) => product * length, 1);

function makeProblem({ inputs: [x, w], outputs: [y], attrs }: Node, direction: ConvProblem['direction']): ConvProblem {
  const four = (shape: readonly number[]) => shape as unknown as ConvProblem['shape'];
  return {
    direction,
    shape: four(x.shape),
    weightShape: four(w.shape),
    outShape: four(y.shape),
    stride: attrs.stride,
    padding: attrs.padding,
    x: noise('x', x.size),
    weight: noise('weight', w.size),
    dy: noise('dy', size(y.shape)),
  };
}

/** Traces the one direction: the forward pass is not run for a gradient. */
function build({ direction, ...problem }: ConvProblem): Record<string, Tensor> {
  const x = constant('x', problem.x, problem.shape);
  const weight = constant('weight', problem.weight, problem.weightShape);
  const y = conv2d(x, weight, problem);
  if (direction === 'forward') return { y };
  const dy = constant('dy', problem.dy, problem.outShape);
  const [dx, dweight] = gradients(y, [x, weight], dy);
  return direction === 'input gradient' ? { dx } : { dweight };
}

/** Sums of up to N·OH·OW products in another order. */
const tolerance = () => 1e-4;

const itemOf = (node: Node, direction: ConvProblem['direction']): Item<ConvProblem> =>
  graphItem({
    name: `conv2d ${direction}`,
    shape: shapeText(node),
    make: () => makeProblem(node, direction),
    build,
    tolerance,
  });

function shapeText({ inputs: [x, w], attrs }: Node): string {
  const [out, height, width] = w.shape;
  return `${times(x.shape)}, ${height}×${width}/${attrs.stride}, ${out}`;
}

/** With `quick` the first of each kind: the stem, a 3×3, a 3×3 of stride 2, a 1×1. */
const list: ListItems<ConvProblem> = (request) => {
  const nodes = distinctNodes('conv2d', request);
  const kind = ({ inputs: [, w], attrs }: Node) => `${w.shape[1]}/${attrs.stride}`;
  const shown = nodes.filter(
    (node, i) => !request.quick || nodes.findIndex((other) => kind(other) === kind(node)) === i,
  );
  return directions.flatMap((direction) => shown.map((node) => itemOf(node, direction)));
};

export default list;
