/** How tensors lie in memory: strides, broadcasting, and axes that are one for all tensors that a kernel walks through. */
import { elements, type Shape } from '../graph/tensor.ts';

/** Elements from one index of each axis to the next, in row-major order. */
export const stridesOf = (shape: Shape): number[] => shape.map((_, axis) => elements(shape.slice(axis + 1)));

/** The place of an axis, counted from the end where it is negative; −1 where there is none. */
export function axisOf({ shape }: { readonly shape: Shape }, axis: number): number {
  const place = axis < 0 ? axis + shape.length : axis;
  return Number.isInteger(place) && place >= 0 && place < shape.length ? place : -1;
}

/** The shape to which two broadcast: axes are matched from the last, and a size of 1 or none fits any. Undefined if they do not. */
export function broadcastShape(a: Shape, b: Shape): Shape | undefined {
  const rank = Math.max(a.length, b.length);
  const [left, right] = [aligned(a, rank), aligned(b, rank)];
  const shape = left.map((size, axis) => (size === 1 ? right[axis] : size));
  return shape.every((size, axis) => right[axis] === size || right[axis] === 1) ? shape : undefined;
}

/** A shape with sizes of 1 in front, up to a rank. */
export const aligned = (shape: Shape, rank: number): number[] => [...Array(rank - shape.length).fill(1), ...shape];

/** Strides with which a tensor is read as if it had the shape that it broadcasts to: 0 along axes that it has not. */
export function broadcastStrides(from: Shape, to: Shape): number[] {
  const shape = aligned(from, to.length);
  const strides = stridesOf(shape);
  return strides.map((stride, axis) => (shape[axis] === 1 ? 0 : stride));
}

/** Sizes of axes, and the strides along them of each of some tensors. */
export interface Axes {
  readonly sizes: readonly number[];
  readonly strides: readonly (readonly number[])[];
}

/** The same places in as few axes as can be: none of size 1, and neighbours as one where one stride does for both in all tensors. */
export function mergeAxes({ sizes, strides }: Axes): Axes {
  const merged: { size: number; steps: number[] }[] = [];
  sizes.forEach((size, axis) => {
    if (size === 1) return;
    const steps = strides.map((ofTensor) => ofTensor[axis]);
    const outer = merged.at(-1);
    if (outer?.steps.every((step, tensor) => step === steps[tensor] * size))
      merged[merged.length - 1] = { size: outer.size * size, steps };
    else merged.push({ size, steps });
  });
  if (merged.length === 0) merged.push({ size: 1, steps: strides.map(() => 0) });
  return {
    sizes: merged.map(({ size }) => size),
    strides: strides.map((_, tensor) => merged.map(({ steps }) => steps[tensor])),
  };
}

/** Parameters `<name>0` … of a kernel, one for each of its `count` axes; axes that are not there get `otherwise`. */
export const numbered = (
  name: string,
  values: readonly number[],
  count: number,
  otherwise: number,
): Record<string, number> =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`${name}${i}`, values[i] ?? otherwise]));
