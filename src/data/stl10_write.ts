/** Writes image sets in STL-10's own file format (see stl10.ts). */
import { join } from 'node:path';
import { UserError } from '../errors.ts';
import { ensureWritableDir, writeFileAtomic } from '../io/files.ts';
import { type ImageSet, imageBytes, type OnProgress } from './images.ts';
import { labelFile, pixelFile, STL10_IMAGE_BYTES, STL10_SIDE } from './stl10.ts';

/** What a folder in STL-10's format holds; every part may be absent. Labels of `train` and `test` are required. */
export interface Stl10Contents {
  readonly train?: ImageSet;
  readonly test?: ImageSet;
  readonly unlabeled?: ImageSet;
  readonly classNames?: readonly string[];
  /** Lists of 0-based indices into `train`; STL-10 has ten of 1000. */
  readonly folds?: readonly ArrayLike<number>[];
  readonly onProgress?: OnProgress;
}

/** Images that one write call takes: 1.8 MB. */
const BLOCK = 64;

/**
 * Writes the files into `folder`, which is made when missing. Every file is replaced in one rename: a reader never sees
 * half a file. Images are read one by one, so a set larger than memory can be written.
 *
 * @throws UserError images that are not 96×96, missing labels, or a disk that cannot be written
 */
export function writeStl10(folder: string, contents: Stl10Contents): void {
  const { train, test, unlabeled, classNames, folds, onProgress } = contents;
  const sets = [train, test, unlabeled].filter((set) => set !== undefined);
  for (const set of sets) checkSize(set);
  const labels = { train: train && storedLabels(train), test: test && storedLabels(test) };
  const total = sets.reduce((sum, set) => sum + set.count, 0);
  let before = 0;

  ensureWritableDir(folder);
  for (const part of ['train', 'test', 'unlabeled'] as const) {
    const set = contents[part];
    if (set === undefined) continue;
    const report = (done: number) => onProgress?.({ phase: 'write', done: before + done, total });
    writeFileAtomic(join(folder, pixelFile(part)), storedPixels(set, report));
    if (part !== 'unlabeled') writeFileAtomic(join(folder, labelFile(part)), labels[part]!);
    before += set.count;
  }
  const lines = (texts: readonly string[]) => texts.map((text) => `${text}\n`).join('');
  if (classNames) writeFileAtomic(join(folder, 'class_names.txt'), lines(classNames));
  if (folds) writeFileAtomic(join(folder, 'fold_indices.txt'), lines(folds.map((fold) => Array.from(fold).join(' '))));
}

/** The bytes of a part's pixel file, some images at a time; `report` hears how many images are done. */
function* storedPixels(set: ImageSet, report: (done: number) => void): Generator<Uint8Array> {
  const block = new Uint8Array(BLOCK * STL10_IMAGE_BYTES);
  const pixels = new Uint8Array(STL10_IMAGE_BYTES);
  for (let start = 0; start < set.count; start += BLOCK) {
    const images = Math.min(BLOCK, set.count - start);
    for (let k = 0; k < images; k++) {
      set.read(start + k, pixels, 0);
      pixelsToColumns(pixels, block, k * STL10_IMAGE_BYTES);
    }
    yield block.subarray(0, images * STL10_IMAGE_BYTES);
    report(start + images);
  }
}

/** Row-major pixels → stored (channel, column, row): `to[c·96² + x·96 + y] = from[(y·96 + x)·3 + c]`. */
function pixelsToColumns(from: Uint8Array, to: Uint8Array, offset: number): void {
  for (let c = 0; c < 3; c++) {
    for (let x = 0; x < STL10_SIDE; x++) {
      const column = offset + (c * STL10_SIDE + x) * STL10_SIDE;
      for (let y = 0; y < STL10_SIDE; y++) to[column + y] = from[(y * STL10_SIDE + x) * 3 + c];
    }
  }
}

function checkSize(set: ImageSet): void {
  if (imageBytes(set) === STL10_IMAGE_BYTES && set.height === STL10_SIDE) return;
  throw new UserError(
    `${set.name}: images of ${set.height}×${set.width}; STL-10's format requires 96×96: load them at size 96`,
  );
}

/** Labels as the file has them: from 1, one byte each. */
function storedLabels(set: ImageSet): Uint8Array {
  if (set.labels === undefined) {
    throw new UserError(
      `${set.name}: no labels; STL-10's train and test images need them: put each class in its own folder`,
    );
  }
  if (set.labels.some((label) => label > 254)) {
    throw new UserError(`${set.name}: more than 255 classes; STL-10's format stores labels in one byte`);
  }
  return Uint8Array.from(set.labels, (label) => label + 1);
}
