/** What prepares images inside a model: from pictures of any size to what the network was trained with. */
import type { Preparation } from '../data/preparation.ts';
import type { GraphBuilder, Port } from './builder.ts';
import { elementTypes } from './schema.ts';

/**
 * What a model is given, RGB [N, 3, height, width]. `normalized`: pictures of the size that it was trained with, f32, whose colours are
 * normalised. `unit`: pictures of any size, f32 from 0 to 1. `bytes`: the same in u8 from 0 to 255.
 */
export const modelInputs = ['normalized', 'unit', 'bytes'] as const;
export type ModelInput = (typeof modelInputs)[number];

/** The model's input as others see it. */
export function inputPort(name: string, kind: ModelInput, { imageSize }: Preparation): Port {
  const sides = kind === 'normalized' ? [imageSize, imageSize] : ['height', 'width'];
  return { name, type: kind === 'bytes' ? 'uint8' : 'float', shape: ['batch', 3, ...sides] };
}

/**
 * Adds the nodes from a model's input to normalised images [N, 3, size, size]. Pictures of another size have their shorter side resized
 * and the longer one cut to its centre, as `decodePhoto` does it: with Lanczos' kernel, widened where pictures shrink, or cubic where
 * they grow.
 *
 * @returns the name of the images
 */
export function preparedImages(graph: GraphBuilder, input: string, kind: ModelInput, how: Preparation): string {
  if (kind === 'normalized') return input;
  const white = kind === 'bytes' ? 255 : 1;
  const pixels = kind === 'bytes' ? graph.node('Cast', [input], { to: elementTypes.float }) : input;
  const resized = resizedToSquare(graph, pixels, how.imageSize);
  const clipped = graph.node('Clip', [resized, graph.floats([0], []), graph.floats([white], [])]);
  // As files are decoded, so that a picture of the right size keeps its bytes.
  const colours = kind === 'bytes' ? graph.node('Round', [clipped]) : clipped;
  const perChannel = (values: readonly number[]) => graph.floats(values, [1, 3, 1, 1]);
  const scaled = graph.node('Mul', [colours, perChannel(how.std.map((std) => 1 / (white * std)))]);
  return graph.node('Sub', [scaled, perChannel(how.mean.map((mean, c) => mean / how.std[c]))]);
}

/** y = R x Cᵀ: matrices that resize and cut rows and columns, made of the picture's own height and width. */
function resizedToSquare(graph: GraphBuilder, pixels: string, size: number): string {
  const sides = [2, 3].map((axis) =>
    graph.node('Cast', [graph.node('Shape', [pixels], { start: axis, end: axis + 1 })], { to: elementTypes.float }),
  );
  // Pixels of the picture by pixels of the result.
  const factor = graph.node('Div', [graph.node('Min', sides), graph.floats([size])]);
  const [rows, columns] = sides.map((side) => resamplingMatrix(graph, side, factor, size));
  const narrow = graph.node('MatMul', [pixels, graph.node('Transpose', [columns], { perm: [1, 0] })]);
  return graph.node('MatMul', [rows, narrow]);
}

/**
 * The matrix [size, side] of one axis, as libvips resizes. Of whole = round(side / f) results those from cut = ⌊(whole − size + 1) / 2⌋ on are
 * kept. Where pictures shrink, result i lies at c_i = (i + cut + ½) f + (side − whole · f) / 2; where they grow, at (i + cut) f, half a result
 * before its place. It takes k((j + ½ − c_i) / max(f, 1)) of pixel j, and what would lie outside of the picture of its first or last pixel;
 * the weights of a result add up to 1.
 *
 * @param side pixels of the picture, and `factor` f, f32 [1]
 */
function resamplingMatrix(graph: GraphBuilder, side: string, factor: string, size: number): string {
  const { node, number } = arithmetic(graph);
  const isShrunk = node('GreaterOrEqual', factor, number(1));
  const stretch = node('Max', factor, number(1));
  // The pixels of the picture and as many before and behind it as a kernel may reach.
  const reach = node('Add', node('Ceil', node('Mul', stretch, number(3))), number(1));
  const middles = node('Add', range(graph, node('Neg', reach), node('Add', side, reach)), number(0.5));
  const offset = node('Sub', middles, centres(graph, { side, factor, size, isShrunk }));
  const distance = node('Abs', node('Div', offset, stretch));
  const weights = node('Where', isShrunk, lanczos(graph, distance), cubic(graph, distance));
  const sums = graph.node('ReduceSum', [weights, graph.integers([1])], { keepdims: 1 });
  return foldedEnds(graph, node('Div', weights, sums), reach, side);
}

interface Line {
  readonly side: string;
  readonly factor: string;
  readonly size: number;
  readonly isShrunk: string;
}

/** Where the results of a line lie in the picture: c_i, [size, 1]. */
function centres(graph: GraphBuilder, { side, factor, size, isShrunk }: Line): string {
  const { node, number } = arithmetic(graph);
  const whole = node('Round', node('Div', side, factor));
  const cut = node('Floor', node('Mul', node('Add', whole, number(1 - size)), number(0.5)));
  const spare = node('Mul', node('Sub', side, node('Mul', whole, factor)), number(0.5));
  const results = graph.floats(
    Array.from({ length: size }, (_, i) => i),
    [size, 1],
  );
  const starts = node('Mul', node('Add', results, cut), factor);
  const half = node('Mul', factor, number(0.5));
  return node('Add', starts, node('Where', isShrunk, node('Add', half, spare), number(0)));
}

/** Weights [size, reach + side + reach] of a line of pixels → [size, side]: the ends of a picture take what lies outside of it. */
function foldedEnds(graph: GraphBuilder, weights: string, reach: string, side: string): string {
  const { node, number } = arithmetic(graph);
  const integer = (value: string) => graph.node('Cast', [value], { to: elementTypes.int64 });
  const [zero, first, behind, end] = [
    graph.integers([0]),
    integer(reach),
    integer(node('Add', reach, side)),
    graph.integers([2 ** 53 - 1]),
  ];
  const columns = (from: string, to: string) => node('Slice', weights, from, to, graph.integers([1]));
  const sum = (from: string, to: string) =>
    graph.node('ReduceSum', [columns(from, to), graph.integers([1])], { keepdims: 1 });
  const own = range(graph, number(0), side);
  const float = (value: string) => graph.node('Cast', [value], { to: elementTypes.float });
  const isFirst = float(node('Less', own, number(0.5)));
  const isLast = float(node('Greater', own, node('Sub', side, number(1.5))));
  const before = node('Mul', sum(zero, first), isFirst);
  const after = node('Mul', sum(behind, end), isLast);
  return node('Add', columns(first, behind), node('Add', before, after));
}

/** from, from + 1, … below `to`, f32. */
function range(graph: GraphBuilder, from: string, to: string): string {
  const scalar = (value: string) => graph.node('Squeeze', [value]);
  return graph.node('Range', [scalar(from), scalar(to), graph.floats([1], [])]);
}

/** sinc(t) sinc(t / 3) = 3 sin(πt) sin(πt/3) / (πt)² for t < 3, else 0. */
function lanczos(graph: GraphBuilder, t: string): string {
  const { node, number } = arithmetic(graph);
  // Not 0, by which it would be divided: the curve is flat there.
  const angle = node('Mul', node('Max', t, number(1e-4)), number(Math.PI));
  const product = node('Mul', node('Sin', angle), node('Sin', node('Mul', angle, number(1 / 3))));
  const value = node('Div', node('Mul', product, number(3)), node('Mul', angle, angle));
  return node('Where', node('Less', t, number(3)), value, number(0));
}

/** Catmull and Rom's: 1.5 t³ − 2.5 t² + 1 for t < 1, −0.5 t³ + 2.5 t² − 4 t + 2 for t < 2, else 0. */
function cubic(graph: GraphBuilder, t: string): string {
  const { node, number } = arithmetic(graph);
  const polynomial = (...coefficients: readonly number[]) =>
    coefficients.slice(1).reduce((sum, c) => node('Add', node('Mul', sum, t), number(c)), number(coefficients[0]));
  const outer = node('Where', node('Less', t, number(2)), polynomial(-0.5, 2.5, -4, 2), number(0));
  return node('Where', node('Less', t, number(1)), polynomial(1.5, -2.5, 0, 1), outer);
}

const arithmetic = (graph: GraphBuilder) => ({
  node: (opType: string, ...inputs: readonly string[]) => graph.node(opType, inputs),
  number: (value: number) => graph.floats([value]),
});
