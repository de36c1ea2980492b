import { expect, it } from 'vitest';
import { constant, trace } from '../../src/graph/trace.ts';
import { crossViewEntropy } from '../../src/losses/cross_view.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { softmax } from '../../src/ops/softmax.ts';
import { type Case, sample, testCases, testGradient } from '../ops/harness.ts';
import { interpret } from '../reference/interpreter.ts';

testCases(
  [
    { views: 2, images: 3, columns: 5 },
    { views: 5, images: 2, columns: 70 },
  ].map(
    ({ views, images, columns }): Case => ({
      name: `loss and gradient of ${views} views of ${images} images, ${columns} prototypes`,
      build() {
        const logits = sample('logits', [views * images, columns], { scale: 5 });
        const loss = crossViewEntropy(logits, softmax(sample('targets', [2 * images, columns])));
        return { loss, dlogits: gradients(loss, [logits])[0] };
      },
    }),
  ),
);

testGradient('cross-entropy between views', () => {
  const logits = sample('logits', [8, 3]);
  const y = crossViewEntropy(logits, softmax(sample('targets', [4, 3])));
  const dy = sample('dy', [1], { offset: 2 });
  return { y, dy, targets: [logits], dx: gradients(y, [logits], dy) };
});

const value = (logits: number[][], targets: number[][], globals?: number): number => {
  const rows = (name: string, values: number[][]) =>
    constant(name, Float32Array.from(values.flat()), [values.length, values[0].length]);
  const { graph, result } = trace(() => crossViewEntropy(rows('logits', logits), rows('targets', targets), globals));
  return interpret(graph).get(result)![0];
};

it('of uniform predictions is log K: 6.238 of 512 prototypes, 8.006 of 3,000, 8.318 of 4,096', () => {
  for (const [K, wanted] of [
    [512, 6.238],
    [3000, 8.006],
    [4096, 8.318],
  ]) {
    const one = Array.from({ length: K }, (_, k) => (k === 3 ? 1 : 0));
    const uniform = new Array<number>(K).fill(0.7);
    const loss = value([uniform, uniform, uniform], [one, one]);
    expect(loss).toBeCloseTo(Math.log(K), 5);
    expect(loss).toBeCloseTo(wanted, 3);
  }
});

it('leaves the pair of a view with itself out, and takes the mean over all others', () => {
  const [a, b] = [
    [0, 40],
    [40, 0],
  ]; // certain of the second class, and of the first
  const [first, second] = [
    [1, 0],
    [0, 1],
  ];
  // View 0 is assigned to the first class and predicts the second, to which view 1 is assigned, and the reverse.
  expect(value([a, b], [first, second])).toBeCloseTo(0, 6);
  expect(value([b, a], [first, second])).toBeCloseTo(40, 4);
  // A local view that predicts the first class is right about view 0, and wrong about view 1: one of four pairs.
  expect(value([a, b, b], [first, second])).toBeCloseTo(40 / 4, 4);
  // Three global views: view 2 predicts views 0 and 1, and is predicted by both: 0 wrong, 1 right.
  expect(value([a, b, b], [first, second, first], 3)).toBeCloseTo((40 * 2) / 6, 4);
});

it('refuses targets of other sizes', () => {
  expect(() =>
    value(
      [
        [0, 0],
        [0, 0],
      ],
      [[1, 0]],
      1,
    ),
  ).toThrow('[cross_view_entropy] there must be two global views');
  expect(() =>
    value(
      [
        [0, 0],
        [0, 0],
      ],
      [
        [1, 0, 0],
        [1, 0, 0],
      ],
    ),
  ).toThrow('[cross_view_entropy] expected');
});
