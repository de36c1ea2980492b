/** Ops that move elements and compute nothing. One kernel, which walks through two tensors with strides, does them all. */
import copyKernel from '../../kernels/strided_copy/copy.wgsl';
import copyF16 from '../../kernels/strided_copy/copy_f16.wgsl';
import zerosKernel from '../../kernels/strided_copy/zeros.wgsl';
import { grid1d } from '../gpu/kernel.ts';
import {
  byteLength,
  bytesPerElement,
  check,
  elements,
  type Launch,
  type Op,
  type Scratch,
  type Shape,
  type Tensor,
} from '../graph/tensor.ts';
import { apply } from '../graph/trace.ts';
import { axisOf, mergeAxes, numbered, stridesOf } from './strides.ts';

/** Where the elements of a box lie in a tensor: the first, and the strides along the box's axes. */
export interface Walk {
  readonly offset: number;
  readonly strides: readonly number[];
}

const mostAxes = 6;

/** The launch that copies a box of elements of x to places of y. */
export function copyLaunch(op: string, sizes: Shape, x: Tensor, from: Walk, y: Tensor | Scratch, to: Walk): Launch {
  const merged = mergeAxes({ sizes, strides: [from.strides, to.strides] });
  const rank = merged.sizes.length;
  check(rank <= mostAxes, op, `at most ${mostAxes} axes that do not lie one in the other can be copied at once`, x);
  const size = elements(sizes);
  const { n0: _outermost, ...inner } = numbered('n', merged.sizes, mostAxes, 1);
  return {
    kernel: x.dtype === 'f16' ? copyF16 : copyKernel,
    constants: { rank },
    bindings: { x, y },
    params: {
      size,
      ...inner,
      offset_x: from.offset,
      ...numbered('x', merged.strides[0], mostAxes, 0),
      offset_y: to.offset,
      ...numbered('y', merged.strides[1], mostAxes, 0),
    },
    workgroups: grid1d(size, 64),
  };
}

/** All elements of a tensor in row-major order. */
export const inOrder = (shape: Shape): Walk => ({ offset: 0, strides: stridesOf(shape) });

function zerosLaunch(y: Tensor): Launch {
  const size = byteLength(y) / bytesPerElement;
  return { kernel: zerosKernel, bindings: { y }, params: { size }, workgroups: grid1d(size, 64) };
}

interface PermuteAttrs {
  /** The axis of x that each axis of y is. */
  readonly axes: readonly number[];
  /** Whether y has it backwards. */
  readonly flipped: readonly boolean[];
}

/** y[i_0, …] = x[j_0, …], where j_axes[k] = i_k, or n − 1 − i_k where axis k is flipped. */
export const permuteOp: Op<PermuteAttrs> = {
  name: 'permute',
  infer([x], { axes }) {
    const all = axes.toSorted((a, b) => a - b).join() === x.shape.map((_, axis) => axis).join();
    check(all, 'permute', `[${axes}] must have each axis of the input once`, x);
    return [{ shape: axes.map((axis) => x.shape[axis]), dtype: x.dtype }];
  },
  launches({ inputs: [x], outputs: [y], attrs: { axes, flipped } }) {
    const strides = axes.map((axis) => stridesOf(x.shape)[axis]);
    const offset = strides.reduce((sum, stride, k) => sum + (flipped[k] ? stride * (y.shape[k] - 1) : 0), 0);
    const from = { offset, strides: strides.map((stride, k) => (flipped[k] ? -stride : stride)) };
    return [copyLaunch('permute', y.shape, x, from, y, inOrder(y.shape))];
  },
  // The inverse: axis k of y is put back to axes[k], backwards again if it was.
  gradient({ attrs: { axes, flipped } }, [dy]) {
    const inverse = axes.map((_, axis) => axes.indexOf(axis));
    return [dy && apply(permuteOp, [dy], { axes: inverse, flipped: inverse.map((k) => flipped[k]) })[0]];
  },
};

interface GridAttrs {
  /** Along each axis of the larger tensor, where the smaller one's first element lies and how far apart its elements are. */
  readonly start: readonly number[];
  readonly step: readonly number[];
  /** Of the output. */
  readonly shape: Shape;
}

/** Where the elements of a grid lie in a tensor of a shape. */
const gridIn = (shape: Shape, { start, step }: GridAttrs): Walk => ({
  offset: stridesOf(shape).reduce((sum, stride, axis) => sum + stride * start[axis], 0),
  strides: stridesOf(shape).map((stride, axis) => stride * step[axis]),
});

/** y[i_0, …] = x[start_0 + step_0 i_0, …]. */
export const sliceOp: Op<GridAttrs> = {
  name: 'slice',
  infer: ([x], { shape }) => [{ shape, dtype: x.dtype }],
  launches: ({ inputs: [x], outputs: [y], attrs }) => [
    copyLaunch('slice', y.shape, x, gridIn(x.shape, attrs), y, inOrder(y.shape)),
  ],
  gradient: ({ inputs: [x], attrs }, [dy]) => [dy && apply(padOp, [dy], { ...attrs, shape: x.shape })[0]],
};

/** y[start_0 + step_0 i_0, …] = x[i_0, …], and 0 elsewhere. */
export const padOp: Op<GridAttrs> = {
  name: 'pad',
  infer: ([x], { shape }) => [{ shape, dtype: x.dtype }],
  launches: ({ inputs: [x], outputs: [y], attrs }) => [
    zerosLaunch(y),
    copyLaunch('pad', x.shape, x, inOrder(x.shape), y, gridIn(y.shape, attrs)),
  ],
  gradient: ({ inputs: [x], attrs }, [dy]) => [dy && apply(sliceOp, [dy], { ...attrs, shape: x.shape })[0]],
};

/** y = the inputs one after another along an axis; one launch for each. */
export const concatOp: Op<{ axis: number }> = {
  name: 'concat',
  infer(inputs, { axis }) {
    const [first] = inputs;
    const others = ({ shape }: Tensor) => shape.toSpliced(axis, 1).join();
    const fit = inputs.every((x) => x.shape.length === first.shape.length && others(x) === others(first));
    check(fit, 'concat', `all sizes but those of axis ${axis} must be equal`, ...inputs);
    check(
      inputs.every(({ dtype }) => dtype === first.dtype),
      'concat',
      'all inputs must have one type',
      ...inputs,
    );
    const size = inputs.reduce((sum, { shape }) => sum + shape[axis], 0);
    return [{ shape: first.shape.with(axis, size), dtype: first.dtype }];
  },
  launches: ({ inputs, outputs: [y], attrs: { axis } }) =>
    startsOf(inputs, axis).map((start, k) => {
      const { shape } = inputs[k];
      const to = { offset: start * stridesOf(y.shape)[axis], strides: stridesOf(y.shape) };
      return copyLaunch('concat', shape, inputs[k], inOrder(shape), y, to);
    }),
  gradient: ({ inputs, attrs: { axis } }, [dy]) =>
    startsOf(inputs, axis).map((start, k) => dy && slice(dy, axis, start, start + inputs[k].shape[axis])),
};

/** Where each of the tensors begins when they lie one after another along an axis. */
function startsOf(tensors: readonly Tensor[], axis: number): number[] {
  let next = 0;
  return tensors.map(({ shape }) => (next += shape[axis]) - shape[axis]);
}

/** The axis that is meant by a number, which counts from the end where it is negative; throws if there is none. */
export function checkedAxis(op: string, x: Tensor, axis: number): number {
  const place = axisOf(x, axis);
  check(place >= 0, op, `there is no axis ${axis}`, x);
  return place;
}

/** As `torch.permute`: the axes of x in another order; up to 6 of them move, any type, as in all functions here. */
export const permute = (x: Tensor, axes: readonly number[]): Tensor =>
  apply(permuteOp, [x], {
    axes: axes.map((axis) => checkedAxis('permute', x, axis)),
    flipped: axes.map(() => false),
  })[0];

/** As `torch.transpose`: two axes of x change places. */
export function transpose(x: Tensor, a: number, b: number): Tensor {
  const [first, second] = [checkedAxis('transpose', x, a), checkedAxis('transpose', x, b)];
  const axes = x.shape.map((_, axis) => (axis === first ? second : axis === second ? first : axis));
  return permute(x, axes);
}

/** As `torch.flip`: x backwards along some axes. */
export function flip(x: Tensor, axes: readonly number[]): Tensor {
  const flipped = axes.map((axis) => checkedAxis('flip', x, axis));
  return permuteFlipped(
    x,
    x.shape.map((_, axis) => axis),
    flipped,
  );
}

/** `permute`, then `flip` along axes of what it gives, in one copy. */
export const permuteFlipped = (x: Tensor, axes: readonly number[], flipped: readonly number[]): Tensor =>
  apply(permuteOp, [x], { axes, flipped: axes.map((_, k) => flipped.includes(k)) })[0];

/** As x[:, …, start:end:step] in PyTorch: along one axis, of which `start` and `end` count from its end where they are negative. */
export function slice(x: Tensor, axis: number, start: number, end?: number, step = 1): Tensor {
  const place = checkedAxis('slice', x, axis);
  const size = x.shape[place];
  const [first, last] = [start, end ?? size].map((index) => (index < 0 ? index + size : index));
  const whole = [first, last, step].every(Number.isInteger) && step >= 1;
  check(
    whole && first >= 0 && first < last && last <= size,
    'slice',
    `no range ${start}:${end ?? ''}:${step} in axis ${axis}`,
    x,
  );
  const ones = x.shape.map(() => 1);
  return apply(sliceOp, [x], {
    start: x.shape.map((_, k) => (k === place ? first : 0)),
    step: ones.with(place, step),
    shape: x.shape.with(place, Math.ceil((last - first) / step)),
  })[0];
}

/** As `numpy.pad` with zeros, or `torch.nn.functional.pad`: of each axis, how many are put before and after it. */
export function pad(x: Tensor, pairs: readonly (readonly [before: number, after: number])[]): Tensor {
  const fit = pairs.length === x.shape.length && pairs.flat().every((count) => Number.isInteger(count) && count >= 0);
  check(fit, 'pad', `expected two counts for each axis, have [${pairs.join('; ')}]`, x);
  return apply(padOp, [x], {
    start: pairs.map(([before]) => before),
    step: pairs.map(() => 1),
    shape: x.shape.map((size, axis) => size + pairs[axis][0] + pairs[axis][1]),
  })[0];
}

/** As `torch.cat`: tensors of equal sizes but for those of one axis, one after another along it. */
export function concat(tensors: readonly Tensor[], axis: number): Tensor {
  check(tensors.length > 0, 'concat', 'expected one tensor at least');
  return apply(concatOp, tensors, { axis: checkedAxis('concat', tensors[0], axis) })[0];
}
