import { expect, it } from 'vitest';
import { alignment as alignmentOf, uniformity as uniformityOf } from '../../src/analysis/alignment.ts';
import { constant, trace } from '../../src/graph/trace.ts';
import { alignment, uniformity } from '../../src/losses/alignment.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { l2Normalize } from '../../src/ops/l2_normalize.ts';
import { type Case, noise, sample, testCases, testGradient } from '../ops/harness.ts';
import { interpret } from '../reference/interpreter.ts';

testCases(
  [
    [2, 3],
    [9, 5],
    [40, 70],
  ].map(
    (shape): Case => ({
      name: `alignment with its gradient, and uniformity, [${shape.join(', ')}]`,
      build() {
        const [x, y] = [sample('x', shape), sample('y', shape)];
        const [a, b] = [l2Normalize(x), l2Normalize(y)];
        const aligned = alignment(a, b);
        return { aligned, uniform: uniformity(a), dx: gradients(aligned, [x])[0] };
      },
    }),
  ),
);

testGradient('alignment', () => {
  const [x, other] = [sample('x', [7, 4]), sample('other', [7, 4])];
  const y = alignment(l2Normalize(x), other);
  const dy = sample('dy', [1], { offset: 2 });
  return { y, dy, targets: [x, other], dx: gradients(y, [x, other], dy) };
});

/** Both measures of rows of any length, which are brought to length one. */
const of = (x: ArrayLike<number>, y: ArrayLike<number>, columns: number) => {
  const { graph, result } = trace(() => {
    const [a, b] = [x, y].map((values, i) =>
      l2Normalize(constant(`${i}`, Float32Array.from(values), [values.length / columns, columns])),
    );
    return { a, b, alignment: alignment(a, b), uniformity: uniformity(a) };
  });
  const all = interpret(graph);
  const get = (name: keyof typeof result) => all.get(result[name])!;
  return { alignment: get('alignment')[0], uniformity: get('uniformity')[0], a: get('a'), b: get('b') };
};

it('are those of the evaluation', async () => {
  const { a, b, ...found } = of(noise(60, 1), noise(60, 2), 5);
  const [x, y] = [a, b].map((rows) => Float32Array.from(rows));
  expect(found.alignment).toBeCloseTo(alignmentOf(x, y, 5), 5);
  expect(found.uniformity).toBeCloseTo(await uniformityOf(x, 5), 5);
});

it('are 0 of equal rows; 2 and −4 of rows at right angles', () => {
  expect(of([3, 4, 3, 4, 3, 4], [6, 8, 6, 8, 6, 8], 2)).toMatchObject({
    alignment: expect.closeTo(0, 6),
    uniformity: expect.closeTo(0, 6),
  });
  expect(of([5, 0, 0, 0, 1, 0, 0, 0, 2], [0, 1, 0, 0, 0, 1, 1, 0, 0], 3)).toMatchObject({
    alignment: expect.closeTo(2, 6),
    uniformity: expect.closeTo(-4, 6),
  });
});
