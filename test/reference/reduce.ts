import type { Node } from '../../src/graph/tensor.ts';
import type { Definitions, Values } from './interpreter.ts';
import { broadcastElement, elementAt, indexOf } from './shapes.ts';

/** Joins all elements that fall on one element of the output: those whose index differs along the axes first … last alone. */
function reduced(
  x: Values,
  { inputs: [tensor], outputs: [y], attrs }: Node,
  start: number,
  join: (sum: number, value: number) => number,
): Values {
  const result = new Float64Array(y.size).fill(start);
  const kept = tensor.shape.map((size, axis) => (axis >= attrs.first && axis <= attrs.last ? 1 : size));
  x.forEach((value, i) => {
    const index = indexOf(i, tensor.shape).map((at, axis) => (kept[axis] === 1 ? 0 : at));
    const place = elementAt(index, kept);
    result[place] = join(result[place], value);
  });
  return result;
}

export default {
  sum: ([x], node) => [reduced(x, node, 0, (sum, value) => sum + value).map((sum) => sum * node.attrs.scale)],
  amax: ([x], node) => [reduced(x, node, Number.NEGATIVE_INFINITY, Math.max)],
  expand: ([x], { inputs: [{ shape }], outputs: [y] }) => [
    Float64Array.from({ length: y.size }, (_, i) => x[broadcastElement(indexOf(i, y.shape), shape)]),
  ],
} satisfies Definitions;
