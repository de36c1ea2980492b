import type { Definitions } from './interpreter.ts';
import { elementAt, indexOf } from './shapes.ts';

/** The index in the larger tensor of element i of the smaller one, which is a grid in it. */
const inGrid = (index: readonly number[], { start, step }: { start: number[]; step: number[] }) =>
  index.map((i, axis) => start[axis] + step[axis] * i);

export default {
  permute([x], { inputs: [{ shape }], outputs: [y], attrs }) {
    const values = Float64Array.from({ length: y.size }, (_, i) => {
      const source: number[] = [];
      indexOf(i, y.shape).forEach((at, k) => {
        source[attrs.axes[k]] = attrs.flipped[k] ? y.shape[k] - 1 - at : at;
      });
      return x[elementAt(source, shape)];
    });
    return [values];
  },
  slice: ([x], { inputs: [{ shape }], outputs: [y], attrs }) => [
    Float64Array.from({ length: y.size }, (_, i) => x[elementAt(inGrid(indexOf(i, y.shape), attrs), shape)]),
  ],
  pad([x], { inputs: [{ shape }], outputs: [y], attrs }) {
    const values = new Float64Array(y.size);
    x.forEach((value, i) => {
      values[elementAt(inGrid(indexOf(i, shape), attrs), y.shape)] = value;
    });
    return [values];
  },
  concat(inputs, { inputs: tensors, outputs: [y], attrs: { axis } }) {
    const values = new Float64Array(y.size);
    let start = 0;
    inputs.forEach((input, k) => {
      const { shape } = tensors[k];
      input.forEach((value, i) => {
        const index = indexOf(i, shape);
        values[elementAt(index.with(axis, index[axis] + start), y.shape)] = value;
      });
      start += shape[axis];
    });
    return [values];
  },
  split([x], { inputs: [{ shape }], outputs, attrs: { axis } }) {
    let start = 0;
    return outputs.map((y) => {
      const first = start;
      start += y.shape[axis];
      const of = (_: unknown, i: number) => {
        const index = indexOf(i, y.shape);
        return x[elementAt(index.with(axis, index[axis] + first), shape)];
      };
      return Float64Array.from({ length: y.size }, of);
    });
  },
} satisfies Definitions;
