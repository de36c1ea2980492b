/** The built-in sample set: drawn pictures of ten classes in STL-10's format, to try things without any download. */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../../errors.ts';
import { ensureWritableDir, writeFileAtomic } from '../../io/files.ts';
import { checkRead, type ImageSet, type OnProgress } from '../images.ts';
import { epochOrder } from '../order.ts';
import { findStl10, labelFile, pixelFile, STL10_IMAGE_BYTES, STL10_SIDE, type Stl10Part } from '../stl10.ts';
import { writeStl10 } from '../stl10_write.ts';
import { describeSample, drawSample, SAMPLE_VERSION } from './draw.ts';
import { SAMPLE_CLASSES } from './shapes.ts';

export { describeSample, drawSample } from './draw.ts';
export { SAMPLE_CLASSES } from './shapes.ts';

export interface SampleOptions {
  /** Numbers of pictures, each at least 10. */
  readonly train: number;
  readonly test: number;
  readonly unlabeled: number;
  readonly onProgress?: OnProgress;
}

export interface EnsuredSample {
  readonly folder: string;
  /** False: the set was there already. */
  readonly drawn: boolean;
}

/** First index of each part: parts share no picture as long as none has a million pictures of a class. */
const FIRST_INDEX: Record<Stl10Part, number> = { train: 0, test: 1_000_000, unlabeled: 2_000_000 };
/** Says which drawings the folder holds; written last, so that its presence means that all files are complete. */
const MARKER = 'sample.json';
const CAPTIONS = 'captions.csv';

/** A part of the sample set, drawn when read: image i shows class i mod 10. */
export function sampleSet(part: Stl10Part, count: number, size: number = STL10_SIDE): ImageSet {
  const classes = SAMPLE_CLASSES.length;
  const set: ImageSet = {
    name: `sample ${part}`,
    count,
    height: size,
    width: size,
    ...(part !== 'unlabeled' && {
      labels: Uint8Array.from({ length: count }, (_, i) => i % classes),
      classNames: SAMPLE_CLASSES,
    }),
    skipped: [],
    read(i, target, offset) {
      checkRead(set, i, target, offset);
      target.set(drawSample(i % classes, FIRST_INDEX[part] + Math.floor(i / classes), size), offset);
    },
  };
  return set;
}

/**
 * Makes sure that `folder` holds the sample set with these numbers of pictures, in STL-10's format; draws it when it is
 * not there, is incomplete, or has other numbers.
 *
 * @throws UserError the folder holds STL-10 files that are not a sample set: they are not overwritten
 */
export function ensureSampleSet(folder: string, options: SampleOptions): EnsuredSample {
  const { train, test, unlabeled, onProgress } = options;
  for (const [part, count] of Object.entries({ train, test, unlabeled })) {
    if (!Number.isInteger(count) || count < 10) {
      throw new UserError(`sample set: ${count} ${part} pictures; at least 10, one of each class, are needed`);
    }
  }
  const marker = `${JSON.stringify({ sample: SAMPLE_VERSION, train, test, unlabeled })}\n`;
  const found = textOf(join(folder, MARKER));
  if (found === marker && isComplete(folder, options)) {
    // Folders of before there were captions get theirs.
    if (textOf(join(folder, CAPTIONS)) === undefined) writeCaptions(folder, options);
    return { folder, drawn: false };
  }
  if (found === undefined && findStl10(folder) === folder) {
    throw new UserError(`${folder}: holds STL-10 files that are not the sample set; choose another folder for it`);
  }
  // From here on the files are ours, but not complete: a run that is stopped starts over at the next call.
  ensureWritableDir(folder);
  writeFileAtomic(join(folder, MARKER), '{}\n');
  writeStl10(folder, {
    train: sampleSet('train', train),
    test: sampleSet('test', test),
    unlabeled: sampleSet('unlabeled', unlabeled),
    classNames: SAMPLE_CLASSES,
    folds: foldsOf(train),
    onProgress: onProgress && ((progress) => onProgress({ ...progress, phase: 'draw' })),
  });
  writeCaptions(folder, options);
  writeFileAtomic(join(folder, MARKER), marker);
  return { folder, drawn: true };
}

/** A caption for each picture, in a table that `readCaptions` reads. */
function writeCaptions(folder: string, counts: Record<Stl10Part, number>): void {
  const lines = (['train', 'test', 'unlabeled'] as const).flatMap((part) =>
    Array.from({ length: counts[part] }, (_, i) => `${part}/${i},${sampleCaption(part, i)}\n`),
  );
  writeFileAtomic(join(folder, CAPTIONS), ['file,text\n', ...lines].join(''));
}

/** What the caption of picture i of a part says. */
export const sampleCaption = (part: Stl10Part, i: number): string =>
  describeSample(i % SAMPLE_CLASSES.length, FIRST_INDEX[part] + Math.floor(i / SAMPLE_CLASSES.length));

function isComplete(folder: string, counts: Record<Stl10Part, number>): boolean {
  const has = (name: string, bytes: number) => statSync(join(folder, name), { throwIfNoEntry: false })?.size === bytes;
  const pixels = (['train', 'test', 'unlabeled'] as const).every((part) =>
    has(pixelFile(part), counts[part] * STL10_IMAGE_BYTES),
  );
  return pixels && (['train', 'test'] as const).every((part) => has(labelFile(part), counts[part]));
}

/** Ten folds, each a fifth of the training pictures, as in STL-10 (1000 of 5000). */
function foldsOf(count: number): Uint32Array[] {
  return Array.from({ length: 10 }, (_, fold) =>
    epochOrder(count, SAMPLE_VERSION, fold)
      .slice(0, Math.ceil(count / 5))
      .sort(),
  );
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
