/** What is told of a training that learns nothing, and that nothing is told of one that does. */
import { describe, expect, it } from 'vitest';
import type { ImageSet } from '../../src/data/images.ts';
import { textSet } from '../../src/data/texts.ts';
import { Health, type TrainWarning } from '../../src/ssl/health.ts';
import { embeddingStd } from '../../src/ssl/metrics.ts';

const batchSize = 8;
const learner = {
  metrics: { embeddingStd: embeddingStd(64) },
  chance: { loss: Math.log(15), formula: 'log(2N−1)', meaning: 'views are not told apart' },
  discriminatesImages: true,
};
const healthy = { loss: 1.5, embeddingStd: 0.05 };
const chance = Math.log(15);

/** `count` images, of which as many are different as `distinct` says. */
const images = (count: number, distinct = count): ImageSet => ({
  ...{ name: 'photos', count, height: 1, width: 2, skipped: [] },
  read: (i, target, offset) => target.fill(0, offset, offset + 6).set([i % distinct, (i % distinct) >> 8], offset),
});

function follow(set = images(80), patience = 0) {
  const warnings: TrainWarning[] = [];
  const chance = { ...learner.chance, patience, ...(patience && { remedy: 'wait' }) };
  const health = new Health(set, batchSize, { ...learner, chance }, (warning) => warnings.push(warning));
  let step = 0;
  const observe = (steps: number, values: Partial<typeof healthy> = {}) => {
    const { loss, ...metrics } = { ...healthy, ...values };
    for (let i = 0; i < steps; i++) health.observe(++step, { loss, metrics });
  };
  return { health, warnings, observe, atEnd: () => health.atEnd(step)?.kind };
}

describe('collapse', () => {
  it('is told once, when the mean of twenty steps is below a tenth of 1/√d, and stands at the end', () => {
    const { warnings, observe, atEnd } = follow();
    observe(30);
    observe(19, { embeddingStd: 0.0124 });
    expect(warnings).toEqual([]);
    observe(30, { embeddingStd: 0.0124 });
    expect(warnings).toMatchObject([{ kind: 'collapse', step: 50 }]);
    expect(warnings[0].message).toMatch(/standard deviation 0\.0124, healthy is about 1\/√64 = 0\.1250/);
    expect(atEnd()).toBe('collapse');
  });

  it('is seen although a batch scatters now and then, and in no fewer than twenty steps', () => {
    const { warnings, observe } = follow();
    for (let i = 0; i < 4; i++) {
      observe(1, { embeddingStd: 0.04 });
      observe(4, { embeddingStd: 0.002 });
      if (i < 3) expect(warnings).toEqual([]);
    }
    expect(warnings).toMatchObject([{ kind: 'collapse', step: 20 }]);
  });

  it('is none above that, nor in a single batch; one that is over does not stand, one that comes back is told again', () => {
    const { warnings, observe, atEnd } = follow();
    observe(40, { embeddingStd: 0.0126 });
    expect(warnings).toEqual([]);
    observe(20);
    observe(1, { embeddingStd: 0 });
    observe(19);
    expect(warnings).toEqual([]);
    observe(20, { embeddingStd: 0 });
    observe(20);
    expect(atEnd()).toBeUndefined();
    observe(20, { embeddingStd: 0 });
    expect(warnings.map(({ kind }) => kind)).toEqual(['collapse', 'collapse']);
  });
});

describe('a loss at chance', () => {
  it('is told after an epoch', () => {
    const { warnings, observe, atEnd } = follow(images(800));
    observe(99, { loss: chance });
    expect(warnings).toEqual([]);
    observe(1, { loss: chance });
    expect(warnings).toMatchObject([{ kind: 'chance', step: 100 }]);
    expect(warnings[0].message).toContain('2.7081 over 100 steps, log(2N−1) is 2.7081');
    expect(atEnd()).toBe('chance');
    observe(100);
    expect(atEnd()).toBeUndefined();
  });

  it('is judged over fifty steps where epochs are shorter, and at the end of a run that ends within its epoch', () => {
    const short = follow(images(16));
    short.observe(50, { loss: 0.995 * chance });
    expect(short.warnings).toMatchObject([{ kind: 'chance', step: 50 }]);
    const cut = follow(images(8000));
    cut.observe(49, { loss: chance });
    expect(cut.atEnd()).toBeUndefined();
    cut.observe(1, { loss: chance });
    expect(cut.atEnd()).toBe('chance');
    expect(cut.warnings).toHaveLength(1);
  });

  it('is not judged in epochs that a method asks patience for, and has its remedy', () => {
    const { warnings, observe, atEnd } = follow(images(800), 2);
    observe(200, { loss: chance });
    expect(atEnd()).toBeUndefined();
    observe(99, { loss: chance });
    expect(warnings).toEqual([]);
    observe(1, { loss: chance });
    expect(warnings).toMatchObject([{ kind: 'chance', step: 300, remedy: 'wait' }]);
  });

  it('is not told of a loss that is a little lower, nor of steps that f16 skips', () => {
    const { warnings, observe } = follow();
    observe(100, { loss: 0.985 * chance });
    observe(1, { loss: Number.POSITIVE_INFINITY });
    observe(100);
    expect(warnings).toEqual([]);
  });
});

it('a run that is resumed is judged with the steps from before, of which nothing is said again', () => {
  const [straight, resumed] = [follow(images(800)), follow(images(800))];
  const steps = Array.from({ length: 130 }, (_, i) => ({
    step: i + 1,
    loss: chance,
    metrics: { embeddingStd: 0.001 },
  }));
  for (const { step, ...values } of steps) straight.health.observe(step, values);
  resumed.health.recall(steps.slice(0, 90));
  expect(resumed.warnings).toEqual([]);
  for (const { step, ...values } of steps.slice(90)) resumed.health.observe(step, values);
  expect(straight.warnings.map(({ kind, step }) => [kind, step])).toEqual([
    ['collapse', 20],
    ['chance', 100],
  ]);
  expect(resumed.warnings.map(({ kind, step }) => [kind, step])).toEqual([['chance', 100]]);
  expect(resumed.health.atEnd(130)).toEqual(straight.health.atEnd(130));
});

describe('images', () => {
  it('a few copies are told; they do not make the training worthless', () => {
    const { health, warnings, atEnd } = follow(images(80, 78));
    health.checkImages();
    expect(warnings).toMatchObject([{ kind: 'duplicates', step: 0, remedy: 'remove the copies' }]);
    expect(warnings[0].message).toMatch(/^photos: 2 of 80 images are copies of another \(image 78 = image 0, /);
    expect(atEnd()).toBeUndefined();
  });

  it('fewer different images than a batch takes do', () => {
    const { health, warnings, atEnd } = follow(images(16, 7));
    health.checkImages();
    expect(warnings[0].remedy).toBe('give at least as many different images as a batch has (8)');
    expect(atEnd()).toBe('duplicates');
  });

  it('copies are no fault where images are not told apart, nor is a loss where nothing says what guessing gives', () => {
    const warnings: TrainWarning[] = [];
    const health = new Health(images(16, 7), batchSize, {}, (warning) => warnings.push(warning));
    health.checkImages();
    for (let step = 1; step <= 200; step++) health.observe(step, { loss: 100, metrics: { embeddingStd: 0 } });
    expect(warnings).toEqual([]);
    expect(health.atEnd(200)).toBeUndefined();
  });

  it('those that a learner says it is not for are told before the first step, in its words', () => {
    const warnings: TrainWarning[] = [];
    const unfit = ({ name, count }: ImageSet) =>
      count < 20 ? { message: `${name}: too few`, remedy: 'take more' } : undefined;
    for (const count of [30, 16])
      new Health(images(count), batchSize, { unfit }, (warning) => warnings.push(warning)).checkImages();
    expect(warnings).toEqual([{ kind: 'unfit', step: 0, message: 'photos: too few', remedy: 'take more' }]);
  });
});

describe('texts', () => {
  const warned = (texts: readonly string[], discriminatesImages = true): TrainWarning[] => {
    const warnings: TrainWarning[] = [];
    const set = textSet(
      texts.map((text) => [text]),
      { name: 'lines', columns: 1, skipped: [] },
    );
    new Health(set, batchSize, { ...learner, discriminatesImages }, (warning) => warnings.push(warning)).checkImages();
    return warnings;
  };

  it('of which some are copies are warned of, where texts are told apart', () => {
    expect(warned(['a', 'b', 'a', 'a'])).toMatchObject([
      { kind: 'duplicates', step: 0, message: expect.stringContaining('lines: 2 of 4 texts are copies of another') },
    ]);
    expect(warned(['a', 'b'])).toEqual([]);
    expect(warned(['a', 'a'], false)).toEqual([]);
  });
});
