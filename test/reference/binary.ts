import type { Definition, Definitions } from './interpreter.ts';
import { broadcastElement, indexOf } from './shapes.ts';

const functions: Record<string, (a: number, b: number) => number> = {
  add_broadcast: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  minimum: Math.min,
  maximum: Math.max,
  eq: (a, b) => Number(a === b),
  heaviside: (a, b) => (Math.sign(a - b) + 1) / 2,
};

const broadcast =
  (f: (a: number, b: number) => number): Definition =>
  ([a, b], { inputs, outputs: [y] }) => [
    Float64Array.from({ length: y.size }, (_, i) => {
      const index = indexOf(i, y.shape);
      return f(a[broadcastElement(index, inputs[0].shape)], b[broadcastElement(index, inputs[1].shape)]);
    }),
  ];

export default Object.fromEntries(
  Object.entries(functions).map(([name, f]) => [name, broadcast(f)]),
) satisfies Definitions;
