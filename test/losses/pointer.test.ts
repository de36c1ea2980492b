import { describe, expect, it } from 'vitest';
import { constant, trace } from '../../src/graph/trace.ts';
import { carriedClasses, carry, pointer } from '../../src/losses/pointer.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { type Case, sample, testCases, testGradient } from '../ops/harness.ts';
import { values } from './values.ts';

/** Rows with a single 1, place p of image n in class (n + p) mod classes. */
const classes = (name: string, shape: readonly [number, number, number]) => {
  const rows = new Float32Array(shape[0] * shape[1] * shape[2]);
  for (let row = 0; row < shape[0] * shape[1]; row++)
    rows[row * shape[2] + ((row + Math.floor(row / shape[1])) % shape[2])] = 1;
  return constant(name, rows, shape);
};

testCases(
  [
    [1, 4, 6, 3, 2],
    [3, 9, 18, 5, 7],
    [2, 65, 130, 16, 16],
  ].map(
    ([n, places, others, d, c]): Case => ({
      name: `classes carried from ${others} to ${places} places`,
      build() {
        const [f, g] = [sample('f', [n, places, d]), sample('g', [n, others, d])];
        const attention = pointer(f, g, { temperature: 0.5 });
        const carried = carry(attention, classes('known', [n, others, c]));
        const loss = carriedClasses(carried, classes('truth', [n, places, c]));
        const [df, dg] = gradients(loss, [f, g]);
        return { attention, carried, loss, df, dg };
      },
    }),
  ),
);

testGradient('the pointer', () => {
  const [f, g] = [sample('f', [2, 3, 4]), sample('g', [2, 5, 4])];
  const y = carriedClasses(carry(pointer(f, g), classes('known', [2, 5, 3])), classes('truth', [2, 3, 3]));
  const dy = sample('dy', [1], { offset: 2 });
  return { y, dy, targets: [f, g], dx: gradients(y, [f, g], dy) };
});

describe('what is carried', () => {
  const colours = constant('colours', Float32Array.of(1, -2, 3, 4, -4, 7), [1, 3, 2]);
  const frame = (name: string, numbers: readonly number[]) => constant(name, Float32Array.from(numbers), [1, 3, 3]);

  it('is the mean colour where all features are equal', () => {
    const same = frame('same', new Array(9).fill(0.7));
    const [y] = values(() => [carry(pointer(same, same), colours)]);
    for (let place = 0; place < 3; place++)
      for (const [c, mean] of [0, 3].entries()) expect(y[2 * place + c]).toBeCloseTo(mean, 6);
  });

  it('is a copy of the place that it points at, where features are orthogonal and long', () => {
    const turned = frame('turned', [0, 0, 100, 100, 0, 0, 0, 100, 0]);
    const unit = frame('unit', [100, 0, 0, 0, 100, 0, 0, 0, 100]);
    const [y] = values(() => [carry(pointer(turned, unit), colours)]);
    expect(y).toEqual([-4, 7, 1, -2, 3, 4]);
  });

  it('is a constant to who differentiates: colours have no gradient', () => {
    expect(() =>
      trace(() => {
        const known = sample('known', [1, 3, 2]);
        const f = frame('f', [1, 2, 3, 4, 5, 6, 7, 8, 9]);
        return { known: gradients(carriedClasses(carry(pointer(f, f), known), known), [known])[0] };
      }),
    ).toThrow('the loss does not depend on');
  });
});

describe('cross-entropy of carried classes', () => {
  const loss = (carried: readonly number[], truth: readonly number[]) =>
    values(() => [
      carriedClasses(
        constant('carried', Float32Array.from(carried), [1, 1, 4]),
        constant('truth', Float32Array.from(truth), [1, 1, 4]),
      ),
    ])[0][0];

  it('is log C where all classes are carried alike, 0.0075 where the right one is, and finite where another is', () => {
    expect(loss([0.25, 0.25, 0.25, 0.25], [0, 0, 1, 0])).toBeCloseTo(Math.log(4), 6);
    expect(loss([0, 0, 1, 0], [0, 0, 1, 0])).toBeCloseTo(-Math.log(0.9925), 6);
    expect(loss([1, 0, 0, 0], [0, 0, 1, 0])).toBeCloseTo(Math.log(400), 5);
  });
});

it('refuses features of two lengths', () => {
  expect(() => trace(() => pointer(sample('f', [1, 3, 4]), sample('g', [1, 3, 5])))).toThrow('[pointer] both inputs');
});
