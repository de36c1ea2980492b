/** A folder of photos of any size as an image set in memory. */
import { stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { UserError } from '../errors.ts';
import { fileError, hasCode } from '../io/file_errors.ts';
import { decodePhoto, decodeRefused, shortReason } from './decode.ts';
import { withoutEmptyClasses } from './empty_classes.ts';
import { kernelView, notUtf8 } from './entries.ts';
import { type ImageSet, type OnProgress, PixelStore, type Skipped, storedSet, subset } from './images.ts';
import type { ListedFile } from './inventory.ts';
import { PHOTO_EXTENSIONS } from './photo_names.ts';
import { type Excludes, type LeftOut, labelsOf, type Scan, scanPhotos } from './scan.ts';

export interface PhotoOptions {
  /** Height and width that every photo gets. */
  readonly size: number;
  /** 'auto' (the default): folder names are classes when every photo lies in `class/photo` and there are two classes. */
  readonly labels?: 'auto' | 'none';
  /** Classes that the folders must be among, in label order: those of the training split, for a test split. */
  readonly classNames?: readonly string[];
  /** Whether to leave out a photo or folder, by its path relative to the folder. */
  readonly excludes?: Excludes;
  /** Given what was found, by paths relative to the folder: every photo with its size, readable or not, and what was left out. */
  readonly onFound?: (files: readonly ListedFile[], leftOut: readonly LeftOut[]) => void;
  readonly onProgress?: OnProgress;
}

/**
 * Loads every photo under `folder` (see scan.ts for what counts, decode.ts for how it is cut to size), in byte order of
 * the relative paths. Files that cannot be decoded are listed in `skipped`; the rest loads. Memory: 3·size² bytes a photo.
 *
 * @throws UserError no folder, no photos, or not one that can be decoded
 */
export async function loadPhotos(folder: string, options: PhotoOptions): Promise<ImageSet> {
  const { size } = options;
  if (!Number.isInteger(size) || size < 1)
    throw new UserError(`image size ${size} is not a whole number of pixels above 0`);
  await requireFolder(folder);
  const scan = await scanPhotos(folder, options.excludes);
  if (scan.files.length === 0) throw noPhotos(folder, scan);
  const classes = options.labels === 'none' ? undefined : labelsOf(scan.files, folder, options.classNames);

  const { all, kept, failed, bytes } = await decodeFiles(folder, scan.files, size, options.onProgress);
  options.onFound?.(
    scan.files.map((file, i) => ({ file, bytes: bytes[i] })),
    scan.leftOut,
  );
  const skipped = [...scan.skipped, ...failed];
  if (kept.length === 0) throw noneDecoded(folder, skipped);
  const set = { ...all, ...classes, skipped };
  if (failed.length === 0) return set;
  return options.classNames ? subset(set, kept) : withoutEmptyClasses(subset(set, kept));
}

/**
 * Decodes photos of a folder, given by their paths in it, without a look at what else is there. Memory: 3·size² bytes a photo.
 * @returns those that can be decoded, as a set (undefined: none can), and the others
 */
export async function loadListed(
  folder: string,
  files: readonly string[],
  { size, onProgress }: Pick<PhotoOptions, 'size' | 'onProgress'>,
): Promise<{ set: ImageSet | undefined; failed: readonly Skipped[] }> {
  const { all, kept, failed } = await decodeFiles(folder, files, size, onProgress);
  return { set: kept.length > 0 ? subset(all, kept) : undefined, failed };
}

interface Decoded {
  /** Of all files: what could not be decoded has no pixels. */
  readonly all: ImageSet;
  /** Those that could. */
  readonly kept: Uint32Array;
  readonly failed: readonly Skipped[];
  /** Sizes of the files. */
  readonly bytes: Float64Array;
}

async function decodeFiles(
  folder: string,
  files: readonly string[],
  size: number,
  onProgress: OnProgress | undefined,
): Promise<Decoded> {
  const store = new PixelStore(files.length, size * size * 3);
  const { reasons, bytes } = await decodeAll(folder, files, size, store, onProgress);
  const kept = Uint32Array.from(files.keys()).filter((i) => reasons[i] === undefined);
  const failed = files.flatMap((file, i) => (reasons[i] === undefined ? [] : [{ file, reason: reasons[i] }]));
  const source = (i: number) => join(folder, files[i]);
  const all = storedSet(
    { name: folder, count: files.length, height: size, width: size, files, skipped: failed, source },
    store,
  );
  return { all, kept, failed, bytes };
}

/** Throws unless `folder` is one: in the user's words, not in the system's. */
export async function requireFolder(folder: string): Promise<void> {
  const found = await stat(folder).catch((error) => {
    if (!hasCode(error, 'ENOENT', 'ENOTDIR')) throw fileError('read', folder, error);
  });
  // What bytes of a command line that are not UTF-8 become.
  if (!found && folder.includes('\ufffd')) throw new UserError(`${folder}: ${notUtf8}`);
  if (!found) throw new UserError(`${folder}: no such folder`);
  if (!found.isDirectory())
    throw new UserError(`${folder}: a file, not a folder; give the folder that holds the images`);
  const view = await kernelView(folder);
  if (view)
    throw new UserError(`${folder}: a view of the system (${view}), which holds no photos; give another folder`);
}

/**
 * Decodes photo i into slot i. At most two photos for each processor are under way: one waits for the disk while
 * another is decoded, and the memory for large photos stays bounded. Those that were refused are looked at again after
 * that, one by one (see decodeRefused).
 *
 * @returns why photo i could not be decoded, or undefined when it was, and the size of its file
 */
async function decodeAll(
  folder: string,
  files: readonly string[],
  size: number,
  store: PixelStore,
  onProgress: OnProgress | undefined,
): Promise<{ reasons: (string | undefined)[]; bytes: Float64Array }> {
  const bytes = new Float64Array(files.length);
  const refused: number[] = [];
  let next = 0;
  let done = 0;
  const work = async () => {
    for (let i = next++; i < files.length; i = next++) {
      const path = join(folder, files[i]);
      bytes[i] = (await stat(path).catch(() => undefined))?.size ?? 0;
      const pixels = await decodePhoto(path, size).catch(() => undefined);
      if (pixels) store.slot(i).set(pixels);
      else refused.push(i);
      onProgress?.({ phase: 'decode', done: ++done, total: files.length });
    }
  };
  await Promise.all(Array.from({ length: Math.min(files.length, 2 * availableParallelism()) }, work));

  const reasons = new Array<string | undefined>(files.length).fill(undefined);
  for (const i of refused) {
    const pixels = await decodeRefused(join(folder, files[i]), size).catch(shortReason);
    if (typeof pixels === 'string') reasons[i] = pixels;
    else store.slot(i).set(pixels);
  }
  return { reasons, bytes };
}

/** The error of a folder without photos. */
export function noPhotos(folder: string, scan: Scan): UserError {
  const [skipped] = scan.skipped;
  const [leftOut] = scan.leftOut;
  const passed = skipped
    ? `; ${skipped.file}: ${skipped.reason}`
    : leftOut
      ? `; ${leftOut.path} was left out: ${reasonFor[leftOut.why]}`
      : '';
  return new UserError(
    `${folder}: no photos here or in its subfolders (looked for ${PHOTO_EXTENSIONS.join(' ')})${passed}`,
  );
}

const reasonFor: Readonly<Record<LeftOut['why'], string>> = {
  results: 'it holds results of this program',
  packages: 'it holds packages',
  system: 'it is a view of the system',
  excluded: '--exclude',
};

/** The error of a folder none of whose photos can be read. */
export function noneDecoded(folder: string, skipped: readonly Skipped[]): UserError {
  const { file, reason } = skipped[skipped.length - 1];
  return new UserError(
    `${folder}: ${skipped.length === 1 ? 'the only photo cannot be read' : `none of the ${skipped.length} photos can be read`}; ${file}: ${reason}`,
  );
}
