import { expect, it } from 'vitest';
import { constant, trace } from '../../src/graph/trace.ts';
import { copiedFrom, propagate } from '../../src/ssl/propagation.ts';
import { values } from '../losses/values.ts';

it('a frame copies from the first and from those before it', () => {
  expect([1, 2, 3, 5].map((t) => copiedFrom(t, 2))).toEqual([[0], [0, 1], [0, 1, 2], [0, 3, 4]]);
});

/** One place in each row is long in one direction, so that places of one direction point at each other alone. */
const frames = (...directions: readonly (readonly number[])[]) =>
  constant(
    'places',
    Float32Array.from(directions.flatMap((frame) => frame.flatMap((d) => [0, 1, 2].map((k) => (k === d ? 50 : 0))))),
    [directions.length, 3, 3],
  );

it('labels follow what moves, through frames between', () => {
  const first = constant('first', Float32Array.of(0.25, 0.5, 1), [1, 3, 1]);
  const [carried] = values(() => [
    propagate(frames([0, 1, 2], [1, 2, 0], [2, 0, 1]), first, { frames: 1, temperature: 1 }),
  ]);
  expect(carried).toEqual([0.25, 0.5, 1, 0.5, 1, 0.25, 1, 0.25, 0.5]);
});

it('frames whose places are all alike get the mean', () => {
  const first = constant('first', Float32Array.of(0, 3, 6), [1, 3, 1]);
  const [carried] = values(() => [propagate(frames([0, 0, 0], [0, 0, 0]), first, { frames: 1, temperature: 1 })]);
  expect(carried.slice(3)).toEqual([3, 3, 3]);
});

it('of one frame there is nothing to carry', () => {
  const first = constant('first', Float32Array.of(1, 2, 3), [1, 3, 1]);
  trace(() => expect(propagate(frames([0, 1, 2]), first, { frames: 3, temperature: 1 })).toBe(first));
});
