/** Features of all photos of a folder, kept in a file: those of photos that are new or changed are computed, the others are there. */
import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { loadListed, noneDecoded, requireFolder } from '../data/folder.ts';
import { type ListedPhoto, type PhotoList, photosIn } from '../data/photo_list.ts';
import type { Skipped } from '../data/samples.ts';
import { findStl10 } from '../data/stl10.ts';
import { UserError } from '../errors.ts';
import { counted } from '../io/counted.ts';
import { ensureWritableDir } from '../io/files.ts';
import type { Evaluation } from './evaluation.ts';
import { indexFile, readIndex, type StoredIndex, writeIndex } from './photo_index_file.ts';

/** The photos of a folder that can be read, and their features. */
export interface PhotoIndex extends Pick<PhotoList, 'leftOut' | 'unusedExcludes'> {
  /** In byte order of their paths. */
  readonly photos: readonly ListedPhoto[];
  /** [photos, dimensions] */
  readonly features: Float32Array;
  readonly skipped: readonly Skipped[];
  /** The file that it is kept in, and a line for people: what was computed. */
  readonly file: string;
  readonly changes: string;
}

/** Photos that are decoded and embedded at a time: memory is that of a block, however many there are. */
const blockPhotos = 1024;
/** An index that takes long to make is kept on the way: what was stopped goes on from there. */
const millisecondsBetweenWrites = 60_000;

/**
 * Brings the index of a folder up to date. A photo of the size and the time that the index has of it is as it was; of any other the content
 * is compared, by its SHA-256, so that one that was renamed, copied or touched is not computed again.
 *
 * @throws UserError no photos, none that can be read, features that are not finite, or the index cannot be written
 */
export async function photoIndex(evaluation: Evaluation, folder: string): Promise<PhotoIndex> {
  const { exclude, cache, events: { onProgress } = {} } = evaluation.options;
  await requireFolder(folder);
  if (findStl10(folder))
    throw new UserError(
      `${folder}: STL-10's files, and a folder of photos is needed here; eval neighbors searches them`,
      2,
    );
  const file = indexFile(cache, realpathSync(folder));
  const before = readIndex(file, evaluation.file);
  const known = new Map(before.photos.map((photo) => [photo.file, photo]));
  const list = await photosIn(folder, { exclude, known, onProgress });
  const update = new IndexUpdate(evaluation, folder, file, before, list);
  await update.run();
  return update.result();
}

/** An index on its way to what the folder holds. Features belong to contents: copies of a photo share theirs. */
class IndexUpdate {
  /** By the SHA-256 of a photo's content. */
  private readonly features: Map<string, Float32Array>;
  private readonly reasons = new Map<string, string>();
  private written = performance.now();
  private isMade = false;

  constructor(
    private readonly evaluation: Evaluation,
    private readonly folder: string,
    private readonly file: string,
    private readonly before: StoredIndex,
    private readonly list: PhotoList,
  ) {
    this.features = new Map(before.features);
  }

  async run(): Promise<void> {
    const missing = new Map<string, ListedPhoto>();
    for (const photo of this.list.photos)
      if (!this.features.has(photo.sha256) && !missing.has(photo.sha256)) missing.set(photo.sha256, photo);
    if (missing.size > 0) ensureWritableDir(this.evaluation.options.cache, '--cache');
    const photos = [...missing.values()];
    for (let start = 0; start < photos.length; start += blockPhotos) {
      const block = photos.slice(start, start + blockPhotos);
      await this.compute(block, `${start + block.length} of ${counted(photos.length, 'photo')}`);
      if (performance.now() - this.written > millisecondsBetweenWrites) this.write();
    }
    if (this.photos().length === 0) throw noneDecoded(this.folder, this.skipped());
    if (this.isMade || this.isOther()) this.write();
  }

  private async compute(block: readonly ListedPhoto[], name: string): Promise<void> {
    const { evaluation, folder, features } = this;
    const { events: { onProgress } = {} } = evaluation.options;
    const paths = block.map(({ file }) => file);
    const { set, failed } = await loadListed(folder, paths, { size: evaluation.file.imageSize, onProgress });
    const digests = new Map(block.map(({ file, sha256 }) => [file, sha256]));
    for (const { file, reason } of failed) this.reasons.set(digests.get(file)!, reason);
    if (!set) return;
    const rows = await evaluation.features(set, name, { cache: false });
    const { dimensions } = evaluation;
    for (const [row, file] of set.files!.entries())
      features.set(digests.get(file)!, rows.subarray(row * dimensions, (row + 1) * dimensions));
    this.isMade = true;
  }

  /** Those that there are features of. */
  private photos(): ListedPhoto[] {
    return this.list.photos.filter(({ sha256 }) => this.features.has(sha256));
  }

  private rows(photos: readonly ListedPhoto[]): Float32Array {
    const { dimensions } = this.evaluation;
    const rows = new Float32Array(photos.length * dimensions);
    for (const [row, { sha256 }] of photos.entries()) rows.set(this.features.get(sha256)!, row * dimensions);
    return rows;
  }

  private skipped(): Skipped[] {
    const failed = this.list.photos.flatMap(({ file, sha256 }) => {
      const reason = this.reasons.get(sha256);
      return reason === undefined ? [] : [{ file, reason }];
    });
    return [...this.list.skipped, ...failed];
  }

  /** Whether the photos are others than the file has, or have other times. */
  private isOther(): boolean {
    return JSON.stringify(this.photos()) !== JSON.stringify(this.before.photos);
  }

  private write(): void {
    const photos = this.photos();
    ensureWritableDir(this.evaluation.options.cache, '--cache');
    writeIndex(this.file, this.evaluation.file, photos, this.rows(photos));
    this.written = performance.now();
    this.isMade = false;
  }

  result(): PhotoIndex {
    const photos = this.photos();
    const { leftOut, unusedExcludes } = this.list;
    return {
      ...{ photos, features: this.rows(photos), skipped: this.skipped(), leftOut, unusedExcludes },
      ...{ file: this.file, changes: this.changes(photos) },
    };
  }

  private changes(photos: readonly ListedPhoto[]): string {
    const { before } = this;
    if (before.why) return `${counted(photos.length, 'photo')}, made ${before.why}`;
    const old = new Map(before.photos.map(({ file, sha256 }) => [file, sha256]));
    const now = new Set(photos.map(({ file }) => file));
    const numbers = {
      new: photos.filter(({ file }) => !old.has(file)).length,
      changed: photos.filter(({ file, sha256 }) => old.has(file) && old.get(file) !== sha256).length,
      removed: before.photos.filter(({ file }) => !now.has(file)).length,
    };
    const told = Object.entries(numbers).filter(([, number]) => number > 0);
    const what = told.map(([name, number]) => `${number} ${name}`).join(', ');
    return `${counted(photos.length, 'photo')}, ${what || 'all as they were'}`;
  }
}

/** The path of an indexed photo. */
export const pathIn = (folder: string, { file }: Pick<ListedPhoto, 'file'>): string => join(folder, file);
