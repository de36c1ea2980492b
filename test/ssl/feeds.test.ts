/** Inputs that carry how they are fed. */
import { expect, it } from 'vitest';
import { StepFeeds, type StepTime } from '../../src/ssl/feeds.ts';

const time: StepTime = { seed: 1, step: 3, epoch: 0, steps: 10, perEpoch: 5, indices: Uint32Array.of(4, 0), first: 2 };

it('values are functions of the time, for each image and each of its views', () => {
  const feeds = new StepFeeds(2, [7, 0, 0, 0, 9]);
  expect(feeds.scalar('tau', ({ step, steps }) => step / steps)).toMatchObject({ shape: [1], dtype: 'f32' });
  expect(feeds.index('row', ({ step }) => 2 * step)).toMatchObject({ shape: [1], dtype: 'u32' });
  expect(feeds.perImage('turn', (image, _, view) => 10 * image + view, 3)).toMatchObject({ shape: [6], dtype: 'u32' });
  expect(feeds.labels(2).shape).toEqual([4]);
  expect(feeds.rows('noise', 2, (image) => [image, -image])).toMatchObject({ shape: [2, 2], dtype: 'f32' });
  expect(feeds.epoch('near', 'u32').shape).toEqual([2]);
  expect(feeds.epoch('code', 'f32', 2).shape).toEqual([2, 2]);
  expect(feeds.whole('shares', [1, 3])).toMatchObject({ shape: [1, 3], dtype: 'f32' });
  const shares = Float32Array.of(0.5, 0.25, 0.25);
  const data = { shares, near: Uint32Array.of(1, 2, 3, 4, 5), code: Float32Array.from({ length: 10 }, (_, i) => i) };
  expect(feeds.values(time, data)).toEqual({
    tau: Float32Array.of(0.3),
    row: Uint32Array.of(6),
    turn: Uint32Array.of(40, 0, 41, 1, 42, 2),
    labels: Uint32Array.of(9, 7, 9, 7),
    noise: Float32Array.of(4, -4, 0, -0),
    near: Uint32Array.of(5, 1),
    code: Float32Array.of(8, 9, 0, 1),
    shares,
  });
  expect(feeds.ofEpoch.map(({ name, columns, whole = false }) => [name, columns, whole])).toEqual([
    ['near', 1, false],
    ['code', 2, false],
    ['shares', 3, true],
  ]);
});

it.each([undefined, -1, 0.5, Number.NaN])(
  '%s for an image is refused: a typed array would take it for another number',
  (value) => {
    const feeds = new StepFeeds(2);
    feeds.perImage('turn', () => value as number);
    expect(() => feeds.values(time)).toThrow(`feed 'turn': the value of image 4 is ${value}, not a whole number`);
  },
);

it('names are given once, and what an epoch begins with has to be there', () => {
  const feeds = new StepFeeds(2);
  feeds.scalar('tau', () => 1);
  expect(() => feeds.scalar('tau', () => 2)).toThrow("two inputs of a step are named 'tau'");
  feeds.epoch('near', 'u32');
  expect(() => feeds.values(time)).toThrow("beforeEpoch returned nothing named 'near'");
});
