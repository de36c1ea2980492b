/** Which methods the page offers: those that learn from photos without labels, captions or an order, and all of these. */
import { expect, it } from 'vitest';
import type { ImageSet } from '../../src/data/images.ts';
import { kindOf } from '../../src/data/samples.ts';
import { UserError } from '../../src/errors.ts';
import { allMethods } from '../../src/methods/index.ts';
import type { EpochContext } from '../../src/ssl/method.ts';
import { checkImages, imageFacts, learnerOf } from '../../src/train/learner.ts';
import { parseSettings } from '../../src/train/settings.ts';
import { photoMethods, settingsFor } from '../../src/web/settings.ts';
import { drawn } from '../train/drawn.ts';

const size = 32;
const { name, count, height, width, read, skipped } = drawn('train', 16, size);
const photos: ImageSet = { name, count, height, width, read, skipped };

/** What an epoch begins with, without an encoder. */
const context = (dimensions: number): EpochContext => ({
  ...{ epoch: 0, images: photos, before: {} },
  features: async () => new Float32Array(count * dimensions),
  nearest: async (_, k) => Uint32Array.from({ length: count * k }, (_, i) => i % count),
  clustersOf: (_, clusters) => Uint32Array.from({ length: count }, (_, i) => i % clusters),
  centresOf: (_, dimensions, clusters) => new Float32Array(dimensions * clusters),
});

const ofImages = allMethods().filter((method) => kindOf(method) === 'images');

it.each(ofImages)('$name is offered where photos are all that it needs', async (method) => {
  const settings = parseSettings({ method: method.name, imageSize: size, batchSize: count, width: 0.25 });
  const begin = async () => {
    checkImages(photos, settings);
    const learner = learnerOf(settings, imageFacts(photos));
    learner.unfit?.(photos);
    await learner.beforeEpoch?.(context(learner.encoder.dimensions));
  };
  if (photoMethods().includes(method)) return await begin();
  await expect(begin()).rejects.toThrow(UserError);
  expect(() => settingsFor({ method: method.name }, photos, { software: true })).toThrow(
    `method ${method.name} needs more than photos; choose one of simclr, `,
  );
});
