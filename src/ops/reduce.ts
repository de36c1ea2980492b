/** Sums along axes, and their counterpart, copies along axes: each is the gradient of the other. */
import forward from '../../kernels/reduce/forward.wgsl';
import forwardF16 from '../../kernels/reduce/forward_f16.wgsl';
import fromF16 from '../../kernels/reduce/from_f16.wgsl';
import toF16 from '../../kernels/reduce/to_f16.wgsl';
import { grid1d, type Kernel } from '../gpu/kernel.ts';
import {
  bytesPerElement,
  check,
  elements,
  type Launch,
  type Op,
  Scratch,
  type Shape,
  type Tensor,
} from '../graph/tensor.ts';
import { apply } from '../graph/trace.ts';
import { reshape } from './reshape.ts';
import { checkedAxis, copyLaunch, inOrder } from './strided_copy.ts';
import { aligned, broadcastShape, broadcastStrides } from './strides.ts';

/** Neighbouring axes first … last, which are reduced as one, and the shape of what comes out. */
export interface ReduceAttrs {
  readonly first: number;
  readonly last: number;
  readonly shape: Shape;
}

interface SumAttrs extends ReduceAttrs {
  readonly scale: number;
}

/** y[o, i] = scale · Σ_a x[o, a, i], where x is [outer, axis, inner]. */
export const sumOp: Op<SumAttrs> = {
  name: 'sum',
  infer([x], { shape }) {
    check(x.dtype === 'f32' || x.dtype === 'f16', 'sum', 'the input must be f32 or f16', x);
    return [{ shape, dtype: x.dtype }];
  },
  launches: ({ inputs: [x], outputs: [y], attrs }) => reduceLaunches(x, y, threeAxes(x, attrs), attrs),
  // Σ over an axis of one element scales; the gradient is as small as y.
  gradient({ inputs: [x], attrs }, [dy]) {
    if (!dy) return [];
    const kept = keptShape(x, attrs);
    const scaled =
      attrs.scale === 1 ? dy : apply(sumOp, [dy], { first: 0, last: -1, shape: kept, scale: attrs.scale })[0];
    return [expand(reshape(scaled, kept), x.shape)];
  },
};

/** y = x, repeated along the axes of which x has one element or which it has not. */
export const expandOp: Op<{ shape: Shape }> = {
  name: 'expand',
  infer([x], { shape }) {
    const fits = x.shape.length <= shape.length && broadcastShape(x.shape, shape)?.join() === shape.join();
    check(fits, 'expand', `the input must broadcast to [${shape}]`, x);
    return [{ shape, dtype: x.dtype }];
  },
  launches: ({ inputs: [x], outputs: [y] }) => {
    const from = { offset: 0, strides: broadcastStrides(x.shape, y.shape) };
    return [copyLaunch('expand', y.shape, x, from, y, inOrder(y.shape))];
  },
  gradient: ({ inputs: [x] }, [dy]) => [dy && sumTo(dy, x.shape)],
};

/** Sizes of x as [outer, axis, inner]. */
export interface ThreeAxes {
  readonly outer: number;
  readonly axis: number;
  readonly inner: number;
}

export const threeAxes = ({ shape }: Tensor, { first, last }: ReduceAttrs): ThreeAxes => ({
  outer: elements(shape.slice(0, first)),
  axis: elements(shape.slice(first, last + 1)),
  inner: elements(shape.slice(last + 1)),
});

/** The shape with a 1 in place of each axis that is reduced. */
export const keptShape = ({ shape }: Tensor, { first, last }: ReduceAttrs): Shape =>
  shape.map((size, axis) => (axis >= first && axis <= last ? 1 : size));

/** Elements that one invocation joins at least. */
const shortestPart = 64;

export interface ReduceOptions {
  readonly scale?: number;
  readonly max?: boolean;
}

/**
 * Launches that reduce x [outer, axis, inner] to y [outer, inner]: an axis of up to 64 elements at once, a longer one in two steps of
 * about √axis, always in the same order. What lies between is f32.
 */
export function reduceLaunches(
  x: Tensor | Scratch,
  y: Tensor | Scratch,
  { outer, axis, inner }: ThreeAxes,
  options: ReduceOptions = {},
): Launch[] {
  const part = Math.max(shortestPart, Math.ceil(Math.sqrt(axis)));
  const parts = Math.ceil(axis / part);
  if (parts === 1) return [reduceParts(x, y, { outer, axis, inner }, axis, options)];
  const partial = new Scratch('partial results along an axis', outer * parts * inner * bytesPerElement);
  return [
    reduceParts(x, partial, { outer, axis, inner }, part, { ...options, scale: 1 }),
    reduceParts(partial, y, { outer, axis: parts, inner }, parts, options),
  ];
}

function reduceParts(
  x: Tensor | Scratch,
  y: Tensor | Scratch,
  { outer, axis, inner }: ThreeAxes,
  part: number,
  { scale = 1, max = false }: ReduceOptions,
): Launch {
  const parts = Math.ceil(axis / part);
  const size = outer * parts * inner;
  return {
    kernel: kernelFor(x, y),
    ...(max && { constants: { is_max: 1 } }),
    bindings: { x, y },
    params: { axis, inner, part, parts, size, scale },
    workgroups: grid1d(size, 64),
    flops: outer * axis * inner,
  };
}

function kernelFor(x: Tensor | Scratch, y: Tensor | Scratch): Kernel {
  const isHalf = (bound: Tensor | Scratch) => !(bound instanceof Scratch) && bound.dtype === 'f16';
  if (isHalf(x)) return isHalf(y) ? forwardF16 : fromF16;
  return isHalf(y) ? toF16 : forward;
}

/** Launches that sum x [rows, columns] over its rows into y [columns]. */
export const sumLaunches = (x: Tensor | Scratch, y: Tensor | Scratch, rows: number, columns: number): Launch[] =>
  reduceLaunches(x, y, { outer: 1, axis: rows, inner: columns });

/** What is reduced: an axis, neighbouring axes, or all where none is given. */
export type ReducedAxes = number | readonly number[] | undefined;

export interface KeepdimOptions {
  /** Keeps the reduced axes with one element each. */
  readonly keepdim?: boolean;
}

export function reduceAttrs(
  op: string,
  x: Tensor,
  axis: ReducedAxes,
  { keepdim = false }: KeepdimOptions,
): ReduceAttrs {
  const given = axis === undefined ? x.shape.map((_, k) => k) : [axis].flat();
  const axes = given.map((k) => checkedAxis(op, x, k)).sort((a, b) => a - b);
  const [first, last] = [axes[0], axes.at(-1)!];
  const neighbours = axes.length > 0 && axes.every((k, i) => k === first + i);
  check(neighbours, op, `axes [${given}] must be neighbours, each once`, x);
  const rest = x.shape.filter((_, k) => k < first || k > last);
  const attrs = { first, last, shape: rest.length > 0 ? rest : [1] };
  return keepdim ? { ...attrs, shape: keptShape(x, attrs) } : attrs;
}

/**
 * As `torch.sum`: along one axis or neighbouring ones (negative: from the end), or of all elements → [1]; f32 or f16, added up in f32.
 */
export const sum = (x: Tensor, axis?: ReducedAxes, options: KeepdimOptions = {}): Tensor =>
  apply(sumOp, [x], { ...reduceAttrs('sum', x, axis, options), scale: 1 })[0];

/** As `torch.mean`; axes and types as in `sum`. */
export function mean(x: Tensor, axis?: ReducedAxes, options: KeepdimOptions = {}): Tensor {
  const attrs = reduceAttrs('mean', x, axis, options);
  return apply(sumOp, [x], { ...attrs, scale: 1 / threeAxes(x, attrs).axis })[0];
}

/** As `torch.Tensor.expand`: x repeated to a shape that it broadcasts to. */
export const expand = (x: Tensor, shape: Shape): Tensor =>
  x.shape.join() === shape.join() ? x : apply(expandOp, [x], { shape })[0];

/** As `torch.Tensor.sum_to_size`: the sum over the axes along which a tensor of this shape would be repeated to become x. */
export function sumTo(x: Tensor, shape: Shape): Tensor {
  const target = aligned(shape, x.shape.length);
  const differs = (size: number, axis: number) => size !== target[axis];
  const last = x.shape.findLastIndex(differs);
  if (last < 0) return x.shape.length === shape.length ? x : reshape(x, shape);
  let first = last;
  while (first > 0 && target[first - 1] === 1) first--;
  // The last of the sums makes the shape itself: a gradient that is a view could not be written into a flat buffer.
  const isLast = !x.shape.slice(0, first).some(differs);
  const attrs = { first, last, shape, scale: 1 };
  if (isLast) return apply(sumOp, [x], attrs)[0];
  return sumTo(apply(sumOp, [x], { ...attrs, shape: keptShape(x, attrs) })[0], shape);
}
