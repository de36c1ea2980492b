import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { PixelStore, storedSet } from '../../src/data/images.ts';
import { cachedFeatures, type FeatureKey, featureFile, imagesDigest } from '../../src/eval/feature_cache.ts';
import { scratchFolder } from '../cli/run.ts';
import { noise } from '../ops/harness.ts';

const folder = scratchFolder();
const key: FeatureKey = {
  encoder: 'a',
  images: 'b',
  imageSize: 16,
  mean: [0, 0, 0],
  std: [1, 1, 1],
  adapter: 'some',
};
const count = 3;
const values = noise(count * 512, 1);
let computed = 0;
const compute = async () => {
  computed++;
  return values;
};

it('features are computed once, and again for whatever they depend on', async () => {
  expect(await cachedFeatures(folder, key, count, compute)).toEqual({ features: values, cached: false });
  expect(await cachedFeatures(folder, key, count, compute)).toEqual({ features: values, cached: true });
  expect(computed).toBe(1);
  const others = { encoder: 'c', images: 'd', imageSize: 32, mean: [0.5, 0, 0], std: [1, 1, 0.5], adapter: 'another' };
  for (const [name, value] of Object.entries(others)) {
    expect((await cachedFeatures(folder, { ...key, [name]: value }, count, compute)).cached, name).toBe(false);
  }
  expect(readdirSync(folder)).toHaveLength(7);
});

it('a file that was cut, changed in one bit, or belongs to another key is replaced', async () => {
  const file = featureFile(folder, key);
  const whole = readFileSync(file);
  const flipped = Buffer.from(whole);
  flipped[whole.length - 5] ^= 1;
  const foreign = readFileSync(featureFile(folder, { ...key, encoder: 'c' }));
  for (const content of [whole.subarray(0, 1000), flipped, foreign, Buffer.alloc(0)]) {
    writeFileSync(file, content);
    expect((await cachedFeatures(folder, key, count, compute)).cached).toBe(false);
    expect(readFileSync(file).equals(whole)).toBe(true);
  }
  expect(readdirSync(folder).every((name) => name.endsWith('.safetensors'))).toBe(true);
  expect((await cachedFeatures(join(folder, 'new', 'folder'), key, count, compute)).cached).toBe(false);
});

it('one pixel changes the digest of images', () => {
  const store = new PixelStore(2, 12);
  const set = storedSet({ name: 'x', count: 2, height: 2, width: 2, skipped: [] }, store);
  const before = imagesDigest(set);
  expect(imagesDigest(set)).toBe(before);
  store.slot(1)[7] = 1;
  expect(imagesDigest(set)).not.toBe(before);
});
