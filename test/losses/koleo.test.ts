import { expect, it } from 'vitest';
import { constant, trace } from '../../src/graph/trace.ts';
import { koleo } from '../../src/losses/koleo.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { type Case, noise, sample, testCases, testGradient } from '../ops/harness.ts';
import { interpret } from '../reference/interpreter.ts';

testCases(
  [
    [2, 3],
    [9, 5],
    [40, 70],
  ].map(
    (shape): Case => ({
      name: `KoLeo and its gradient, [${shape.join(', ')}]`,
      build() {
        const x = sample('x', shape);
        const loss = koleo(x);
        return { loss, dx: gradients(loss, [x])[0] };
      },
    }),
  ),
);

testGradient('KoLeo', () => {
  const x = sample('x', [7, 4]);
  const y = koleo(x);
  const dy = sample('dy', [1], { offset: 2 });
  return { y, dy, targets: [x], dx: gradients(y, [x], dy) };
});

const of = (values: ArrayLike<number>, columns: number) => {
  const { graph, result } = trace(() => {
    const x = constant('x', Float32Array.from(values), [values.length / columns, columns]);
    const loss = koleo(x);
    return { loss, dx: gradients(loss, [x])[0] };
  });
  const all = interpret(graph);
  return { loss: all.get(result.loss)![0], dx: all.get(result.dx)! };
};

it('is the mean −log of the distance to the nearest other row, at length one', () => {
  const [rows, columns] = [6, 4];
  const values = noise(rows * columns, 5);
  const unit = Array.from({ length: rows }, (_, i) => {
    const row = [...values.slice(i * columns, (i + 1) * columns)];
    return row.map((value) => value / Math.hypot(...row));
  });
  const nearest = unit.map((a, i) =>
    Math.min(...unit.filter((_, j) => j !== i).map((b) => Math.hypot(...a.map((value, k) => value - b[k])))),
  );
  expect(of(values, columns).loss).toBeCloseTo(-nearest.reduce((sum, d) => sum + Math.log(d), 0) / rows, 6);
});

it('is −log 2 of two opposite rows whatever their lengths, log 10⁶ of equal ones, which it does not move', () => {
  expect(of([3, 4, -6, -8], 2).loss).toBeCloseTo(-Math.log(2), 6);
  const equal = of([3, 4, 3, 4, 3, 4], 2);
  expect(equal.loss).toBeCloseTo(Math.log(1e6), 4);
  for (const value of equal.dx) expect(Math.abs(value)).toBe(0);
});

it('drives the nearest apart: a step against the gradient makes the least distance larger', () => {
  const values = noise(5 * 3, 9);
  const { loss, dx } = of(values, 3);
  expect(
    of(
      Array.from(values, (value, i) => value - 1e-3 * dx[i]),
      3,
    ).loss,
  ).toBeLessThan(loss);
});

it('needs two rows', () => {
  expect(() => trace(() => koleo(sample('x', [1, 3])))).toThrow(
    '[koleo] the input must be a matrix of two rows or more',
  );
});
