/** Features that were computed before: a file for each encoder, set of images and way to prepare them, checked before it is believed. */
import { createHash } from 'node:crypto';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type ImageSet, imageBytes } from '../data/images.ts';
import { ensureWritableDir } from '../io/files.ts';
import { readSafetensors, writeSafetensors } from '../io/safetensors.ts';

/** Everything that features depend on. */
export interface FeatureKey {
  /** Of the encoder's values. */
  readonly encoder: string;
  /** Of the images: `imagesDigest`. */
  readonly images: string;
  readonly imageSize: number;
  readonly mean: readonly number[];
  readonly std: readonly number[];
  /** Devices differ in the last bits. */
  readonly adapter: string;
}

/** SHA-256 of every pixel of a set, in order. */
export function imagesDigest(set: ImageSet): string {
  const hash = createHash('sha256').update(JSON.stringify([set.count, set.height, set.width]));
  const pixels = new Uint8Array(imageBytes(set));
  for (let i = 0; i < set.count; i++) {
    set.read(i, pixels, 0);
    hash.update(pixels);
  }
  return hash.digest('hex');
}

const digestOf = (features: Float32Array): string => createHash('sha256').update(features).digest('hex');

const textOf = ({ encoder, images, imageSize, mean, std, adapter }: FeatureKey): string =>
  JSON.stringify([1, encoder, images, imageSize, mean, std, adapter]);

/** The file of a key in a cache folder. */
export const featureFile = (folder: string, key: FeatureKey): string =>
  join(folder, `features-${createHash('sha256').update(textOf(key)).digest('hex').slice(0, 16)}.safetensors`);

/**
 * Features [count, dimensions] from the cache, else computed and kept there. A file of another key, or one whose values are not those that
 * were written, is removed and computed anew.
 */
export async function cachedFeatures(
  folder: string,
  key: FeatureKey,
  count: number,
  compute: () => Promise<Float32Array>,
): Promise<{ features: Float32Array; cached: boolean }> {
  const file = featureFile(folder, key);
  const known = existsSync(file) ? read(file, key, count) : undefined;
  if (known) return { features: known, cached: true };
  const features = await compute();
  ensureWritableDir(folder, '--cache');
  const tensor = { dtype: 'F32', shape: [count, features.length / count], data: features } as const;
  writeSafetensors(file, [['features', tensor]], { key: textOf(key), digest: digestOf(features) });
  return { features, cached: false };
}

function read(file: string, key: FeatureKey, count: number): Float32Array | undefined {
  try {
    const { tensors, metadata } = readSafetensors(file);
    const data = tensors.get('features')?.data;
    const whole = data instanceof Float32Array && data.length > 0 && data.length % count === 0;
    if (whole && metadata['key'] === textOf(key) && metadata['digest'] === digestOf(data)) return data;
  } catch {
    // Damaged: as if it were not there.
  }
  rmSync(file, { force: true });
  return undefined;
}
