/**
 * STL-10's binary files (Coates, Ng & Lee, AISTATS 2011; https://cs.stanford.edu/~acoates/stl10/).
 *
 *   *_X.bin            u8, n × 3 × 96 × 96; the last two axes are (column, row): each channel is stored column by column
 *   *_y.bin            u8, n labels from 1 to the number of classes
 *   class_names.txt    one name a line
 *   fold_indices.txt   ten lines of 0-based indices into train, 1000 each in the real set
 */
import { createHash } from 'node:crypto';
import { closeSync, existsSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../errors.ts';
import { counted } from '../io/counted.ts';
import { guarded } from '../io/file_errors.ts';
import { checkRead, concat, type ImageSet } from './images.ts';
import type { ListedFile } from './inventory.ts';

/** Height and width of every image of the format. */
export const STL10_SIDE = 96;
const PLANE = STL10_SIDE * STL10_SIDE;
/** Bytes of one image: 3 · 96 · 96 = 27,648. */
export const STL10_IMAGE_BYTES = 3 * PLANE;
/** Folder that the archive unpacks to. */
export const STL10_FOLDER = 'stl10_binary';

export type Stl10Part = 'train' | 'test' | 'unlabeled';
export type Stl10Split = Stl10Part | 'train+unlabeled';

/** Name of the file with a part's pixels. */
export const pixelFile = (part: Stl10Part): string => `${part}_X.bin`;
/** Name of the file with a part's labels. */
export const labelFile = (part: 'train' | 'test'): string => `${part}_y.bin`;

/** The folder with STL-10 files: `path` or `path/stl10_binary`; undefined when neither has any. */
export function findStl10(path: string): string | undefined {
  const holdsPixels = (folder: string) =>
    (['train', 'test', 'unlabeled'] as const).some((part) => existsSync(join(folder, pixelFile(part))));
  return [path, join(path, STL10_FOLDER)].find(holdsPixels);
}

/** MD5 of STL-10's own labels: files that others made in its format differ. */
const ownLabels = {
  train: '5a34089d4802c674881badbb80307741',
  test: '36f9794fa4beb8a2c72628de14fa638e',
} as const;

/** Whether the files at `path` are STL-10 itself, with all of its labelled images, and no other set in its format. */
export function isStl10(path: string): boolean {
  const folder = findStl10(path);
  return (
    folder !== undefined &&
    (['train', 'test'] as const).every((part) => {
      const file = join(folder, labelFile(part));
      return hasPart(folder, part) && existsSync(file) && md5(readFileSync(file)) === ownLabels[part];
    })
  );
}

const md5 = (bytes: Uint8Array): string => createHash('md5').update(bytes).digest('hex');

/** Whether a part's pixels are there. */
export const hasPart = (folder: string, part: Stl10Part): boolean => existsSync(join(folder, pixelFile(part)));

/**
 * Opens one split of STL-10. Images stay in the file and are read, image by image, at their position: 2.76 GB of
 * unlabelled images cost no memory and no waiting, and the operating system's page cache holds what is read often.
 *
 * @param path the folder with the files, or its parent with `stl10_binary/`
 * @param labelled whether labels are read where the split has some
 * @throws UserError a file is missing, damaged, or does not fit its labels
 */
export function loadStl10(path: string, split: Stl10Split, labelled = true): ImageSet {
  const folder = findStl10(path);
  if (folder === undefined) {
    throw new UserError(
      `${path}: no STL-10 files found (looked for ${pixelFile('train')} and the like, also in ${STL10_FOLDER}/)`,
    );
  }
  if (split !== 'train+unlabeled') return loadPart(folder, split, labelled);
  const train = loadPart(folder, 'train', labelled);
  try {
    return concat(`${folder} (train+unlabeled)`, train, loadPart(folder, 'unlabeled', false));
  } catch (error) {
    train.close?.();
    throw error;
  }
}

/** What images are called in tables, such as of captions: `unlabeled/17`. Those of a split, or of all parts that are there. */
export function stl10Names(path: string, split?: Stl10Split): string[] {
  const folder = findStl10(path) ?? path;
  const parts = (split?.split('+') ?? ['train', 'test', 'unlabeled']) as Stl10Part[];
  return parts
    .filter((part) => hasPart(folder, part))
    .flatMap((part) => Array.from({ length: imageCount(join(folder, pixelFile(part))) }, (_, i) => `${part}/${i}`));
}

function loadPart(folder: string, part: Stl10Part, labelled: boolean): ImageSet {
  const file = join(folder, pixelFile(part));
  const count = imageCount(file);
  if (part === 'unlabeled' || !labelled) return openPixels(file, count);
  const classNames = readClassNames(folder);
  return openPixels(file, count, { labels: readLabels(join(folder, labelFile(part)), count, classNames), classNames });
}

/** Images of a pixel file whose bytes are sampled: a file of this format is as long as any other with as many images. */
const sampledImages = 64;

/** The files that these parts are read from; labels where they are there. */
export function listStl10(folder: string, parts: readonly Stl10Part[]): ListedFile[] {
  const names = parts.flatMap((part) => [pixelFile(part), ...labelFiles(folder, part)]);
  return names.map((file) => ({ file, bytes: sizeOf(join(folder, file)), sample: sampleOf(join(folder, file)) }));
}

const labelFiles = (folder: string, part: Stl10Part): string[] =>
  part !== 'unlabeled' && existsSync(join(folder, labelFile(part))) ? [labelFile(part)] : [];

/** SHA-256 of evenly spaced blocks of an image's size. */
function sampleOf(file: string): string {
  const blocks = Math.ceil(sizeOf(file) / STL10_IMAGE_BYTES);
  const hash = createHash('sha256');
  const block = new Uint8Array(STL10_IMAGE_BYTES);
  const fd = guarded('read', file, () => openSync(file, 'r'));
  try {
    for (let i = 0; i < Math.min(blocks, sampledImages); i++) {
      const start = Math.floor((i * blocks) / Math.min(blocks, sampledImages)) * STL10_IMAGE_BYTES;
      hash.update(block.subarray(0, readSync(fd, block, 0, block.length, start)));
    }
  } finally {
    closeSync(fd);
  }
  return hash.digest('hex');
}

function imageCount(file: string): number {
  const bytes = sizeOf(file);
  const count = Math.floor(bytes / STL10_IMAGE_BYTES);
  const rest = bytes - count * STL10_IMAGE_BYTES;
  if (rest !== 0 || count === 0) {
    throw new UserError(
      `${file}: ${bytes} bytes are ${counted(count, 'image')} of ${STL10_IMAGE_BYTES} bytes (3×96×96) plus ${counted(rest, 'extra byte')}; ` +
        'the file is incomplete or not STL-10: download it again',
    );
  }
  return count;
}

function readLabels(file: string, count: number, classNames: readonly string[] | undefined): Uint8Array {
  const bytes = sizeOf(file);
  if (bytes !== count) {
    throw new UserError(
      `${file}: ${counted(bytes, 'label')}, expected ${count}, one per image; the two files do not match`,
    );
  }
  const labels = new Uint8Array(guarded('read', file, () => readFileSync(file)));
  const classes = classNames?.length ?? 10;
  const wrong = labels.findIndex((label) => label < 1 || label > classes);
  if (wrong >= 0) {
    throw new UserError(
      `${file}: label ${labels[wrong]} of image ${wrong}, expected 1 to ${classes}; the file is damaged: download it again`,
    );
  }
  return labels.map((label) => label - 1);
}

/** Lines of class_names.txt; undefined without the file. */
function readClassNames(folder: string): string[] | undefined {
  const file = join(folder, 'class_names.txt');
  if (!existsSync(file)) return undefined;
  const names = linesOf(readText(file));
  if (names.length === 0 || names.length > 255) {
    throw new UserError(
      `${file}: ${counted(names.length, 'class name')}, expected 1 to 255, one per line (STL-10 has 10)`,
    );
  }
  return names;
}

/** An image set that reads from the open file. */
function openPixels(file: string, count: number, labelled: Pick<ImageSet, 'labels' | 'classNames'> = {}): ImageSet {
  let fd: number | undefined = guarded('read', file, () => openSync(file, 'r'));
  const stored = new Uint8Array(STL10_IMAGE_BYTES);
  const set: ImageSet = {
    name: file,
    count,
    height: STL10_SIDE,
    width: STL10_SIDE,
    ...labelled,
    skipped: [],
    read(i, target, offset) {
      checkRead(set, i, target, offset);
      if (fd === undefined) throw new Error(`[stl10] ${file}: read after close`);
      readFully(fd, stored, i * STL10_IMAGE_BYTES, file);
      columnsToPixels(stored, target, offset);
    },
    close() {
      if (fd !== undefined) closeSync(fd);
      fd = undefined;
    },
  };
  return set;
}

function readFully(fd: number, target: Uint8Array, position: number, file: string): void {
  for (let done = 0; done < target.length; ) {
    const got = readSync(fd, target, done, target.length - done, position + done);
    if (got === 0) throw new UserError(`${file}: ends at byte ${position + done}; it was truncated while in use`);
    done += got;
  }
}

/** Stored (channel, column, row) → row-major pixels: `to[(y·96 + x)·3 + c] = from[c·96² + x·96 + y]`. */
export function columnsToPixels(from: Uint8Array, to: Uint8Array, offset: number): void {
  for (let y = 0; y < STL10_SIDE; y++) {
    let pixel = offset + y * STL10_SIDE * 3;
    for (let source = y; source < PLANE; source += STL10_SIDE, pixel += 3) {
      to[pixel] = from[source];
      to[pixel + 1] = from[source + PLANE];
      to[pixel + 2] = from[source + 2 * PLANE];
    }
  }
}

/**
 * The ten folds of the training images that STL-10's protocol prescribes.
 * @returns ten lists of 0-based indices into train
 */
export function readFolds(path: string): Uint32Array[] {
  const folder = findStl10(path) ?? path;
  const file = join(folder, 'fold_indices.txt');
  const count = imageCount(join(folder, pixelFile('train')));
  const lines = linesOf(readText(file));
  if (lines.length !== 10) throw new UserError(`${file}: ${counted(lines.length, 'line')}, expected 10, one per fold`);
  return lines.map((line, i) => parseFold(line, count, `${file}: line ${i + 1}`));
}

function parseFold(line: string, count: number, where: string): Uint32Array {
  const words = line.split(/\s+/);
  const wrong = words.find((word) => !/^\d+$/.test(word) || Number(word) >= count);
  if (wrong !== undefined) throw new UserError(`${where}: '${wrong}' is not an index from 0 to ${count - 1}`);
  const fold = Uint32Array.from(words, Number);
  const distinct = new Set(fold).size;
  if (distinct !== fold.length)
    throw new UserError(`${where}: ${fold.length} indices, but only ${distinct} distinct ones`);
  return fold;
}

const readText = (file: string): string => guarded('read', file, () => readFileSync(file, 'utf8'));

const linesOf = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');

const sizeOf = (file: string): number => guarded('read', file, () => statSync(file).size);
