/** The file of a photo index: features and the photos that they are of, checked before they are believed. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { ListedPhoto } from '../data/photo_list.ts';
import { readSafetensors, writeSafetensors } from '../io/safetensors.ts';
import type { EncoderFile } from '../train/encoder_file.ts';

/** What a file holds; nothing where `why` says so. */
export interface StoredIndex {
  readonly photos: readonly ListedPhoto[];
  /** By the SHA-256 of a photo's content. */
  readonly features: ReadonlyMap<string, Float32Array>;
  /** Why all has to be computed: for a line that begins with `made`. */
  readonly why?: 'anew' | 'anew, as the old index is of another encoder' | 'anew, as the old index is damaged';
}

/** What features depend on beside the photo. Not the device: its last bits do not change who is near. */
type Key = Pick<EncoderFile, 'digest' | 'imageSize' | 'mean' | 'std'>;

const keyOf = ({ digest, imageSize, mean, std }: Key): string => JSON.stringify([1, digest, imageSize, mean, std]);

/** The file in a cache folder that has the index of a folder of photos, whatever encoder it was made with. */
export const indexFile = (cache: string, folder: string): string =>
  join(cache, `photos-${createHash('sha256').update(folder).digest('hex').slice(0, 16)}.safetensors`);

const photosSchema = z.array(
  z.object({ file: z.string(), bytes: z.number(), modified: z.number(), sha256: z.string() }).readonly(),
);

const digestOf = (features: Float32Array, list: Uint8Array): string =>
  createHash('sha256').update(features).update(list).digest('hex');

const nothing = (why: StoredIndex['why']): StoredIndex => ({ photos: [], features: new Map(), why });

/** Reads an index. One of another encoder, one that was changed or cut, or none is an empty one. */
export function readIndex(file: string, key: Key): StoredIndex {
  if (!existsSync(file)) return nothing('anew');
  try {
    const { tensors, metadata } = readSafetensors(file);
    if (metadata['key'] !== keyOf(key)) return nothing('anew, as the old index is of another encoder');
    const [features, list] = ['features', 'photos'].map((name) => tensors.get(name)?.data);
    if (!(features instanceof Float32Array && list instanceof Uint8Array))
      return nothing('anew, as the old index is damaged');
    if (metadata['digest'] !== digestOf(features, list)) return nothing('anew, as the old index is damaged');
    const photos = photosSchema.parse(JSON.parse(Buffer.from(list).toString('utf8')));
    const width = features.length / photos.length;
    const rows = photos.map(({ sha256 }, i) => [sha256, features.subarray(i * width, (i + 1) * width)] as const);
    return { photos, features: new Map(rows) };
  } catch {
    return nothing('anew, as the old index is damaged');
  }
}

/** Writes an index in place of the one that is there. @param features [photos, dimensions] */
export function writeIndex(file: string, key: Key, photos: readonly ListedPhoto[], features: Float32Array): void {
  // A tensor, because the text of the format's header has a limit.
  const list = new Uint8Array(Buffer.from(JSON.stringify(photos)));
  const tensors = [
    ['features', { dtype: 'F32', shape: [photos.length, features.length / photos.length], data: features }],
    ['photos', { dtype: 'U8', shape: [list.length], data: list }],
  ] as const;
  writeSafetensors(file, tensors, { key: keyOf(key), digest: digestOf(features, list) });
}
