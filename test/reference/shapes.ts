/** Plain walks over the elements of tensors, for definitions of ops that move or repeat elements. Exports no definitions. */
import type { Shape } from '../../src/graph/tensor.ts';

/** The index along each axis of element i, in row-major order. */
export function indexOf(i: number, shape: Shape): number[] {
  const index = Array<number>(shape.length);
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    index[axis] = i % shape[axis];
    i = Math.floor(i / shape[axis]);
  }
  return index;
}

/** The element at an index along each axis. */
export const elementAt = (index: readonly number[], shape: Shape): number =>
  index.reduce((at, i, axis) => at * shape[axis] + i, 0);

/** The element of a tensor that an index of a shape to which it broadcasts falls on. */
export function broadcastElement(index: readonly number[], shape: Shape): number {
  const last = index.slice(index.length - shape.length);
  return elementAt(
    last.map((i, axis) => (shape[axis] === 1 ? 0 : i)),
    shape,
  );
}
