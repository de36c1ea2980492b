/** The photos in a folder with what tells whether one has changed: nothing of them is decoded. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { messageOf } from '../errors.ts';
import { Exclusions } from './exclude.ts';
import { noPhotos } from './folder.ts';
import type { OnProgress, Skipped } from './images.ts';
import { type LeftOut, scanPhotos } from './scan.ts';

/** A photo, readable or not. */
export interface ListedPhoto {
  /** Relative to the folder, '/' between the parts. */
  readonly file: string;
  readonly bytes: number;
  /** When it was modified, in milliseconds since 1970. */
  readonly modified: number;
  /** Of its content. */
  readonly sha256: string;
}

export interface PhotoList {
  /** In byte order of their paths. */
  readonly photos: readonly ListedPhoto[];
  readonly skipped: readonly Skipped[];
  readonly leftOut: readonly LeftOut[];
  readonly unusedExcludes: readonly string[];
}

interface ListOptions {
  readonly exclude?: readonly string[] | undefined;
  /** What was known of photos before, by their paths: the content of one with the same size and time is not read again. */
  readonly known?: ReadonlyMap<string, ListedPhoto>;
  readonly onProgress?: OnProgress | undefined;
}

/** Lists the photos under a folder. Files that cannot be read are among the skipped. UserError: there are no photos. */
export async function photosIn(folder: string, options: ListOptions = {}): Promise<PhotoList> {
  const { exclude, known = new Map(), onProgress } = options;
  const exclusions = new Exclusions(exclude);
  const scan = await scanPhotos(folder, (path) => exclusions.has(path));
  const { files, leftOut } = scan;
  if (files.length === 0) throw noPhotos(folder, scan);
  const found = new Array<ListedPhoto | Skipped>(files.length);
  let [next, done] = [0, 0];
  const work = async () => {
    for (let i = next++; i < files.length; i = next++) {
      found[i] = await listed(folder, files[i], known.get(files[i])).catch((error: unknown) => ({
        ...{ file: files[i], reason: messageOf(error) },
      }));
      onProgress?.({ phase: 'compare', done: ++done, total: files.length });
    }
  };
  await Promise.all(Array.from({ length: Math.min(files.length, 2 * availableParallelism()) }, work));
  const isSkipped = (one: ListedPhoto | Skipped): one is Skipped => 'reason' in one;
  return {
    photos: found.filter((one): one is ListedPhoto => !isSkipped(one)),
    ...{ skipped: [...scan.skipped, ...found.filter(isSkipped)], leftOut, unusedExcludes: exclusions.unused },
  };
}

async function listed(folder: string, file: string, before: ListedPhoto | undefined): Promise<ListedPhoto> {
  const path = join(folder, file);
  const { size: bytes, mtimeMs: modified } = await stat(path);
  if (before?.bytes === bytes && before.modified === modified) return before;
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return { file, bytes, modified, sha256: hash.digest('hex') };
}
