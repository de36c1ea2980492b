/** From a path to the images of a run: which kind of folder it is, what to pre-train on, what to probe with. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../errors.ts';
import { counted, plural } from '../io/counted.ts';
import { reading } from '../io/file_errors.ts';
import { withCaptions } from './captions.ts';
import { resizeRgb } from './decode.ts';
import { requireFolder } from './folder.ts';
import { concat, type ImageSet, type OnProgress, PixelStore, storedSet, subset } from './images.ts';
import type { ListedFile } from './inventory.ts';
import { isHidden, packageFolders } from './photo_names.ts';
import { Reading } from './reading.ts';
import { holdsResults } from './results_folder.ts';
import type { DatasetKind, SampleSet } from './samples.ts';
import type { LeftOut } from './scan.ts';
import { findStl10, hasPart, listStl10, loadStl10, STL10_SIDE, type Stl10Part } from './stl10.ts';

export type TrainSplit = 'unlabeled' | 'train+unlabeled' | 'train';

/** Parts of a data set whose images may be asked for. */
export const dataSplits = ['unlabeled', 'train+unlabeled', 'train', 'test'] as const;
export type DataSplit = (typeof dataSplits)[number];

export interface DatasetOptions {
  /** What to pre-train on. A folder without such parts is pre-trained on as a whole. */
  readonly split: DataSplit;
  /** Height and width of the images; STL-10's own is 96. */
  readonly size: number;
  /** Whether to look for labels, and for labelled sets for a probe; default true. Without, none are needed and none are told of. */
  readonly probe?: boolean;
  /** Whether images get the labels that there are, whatever is probed; default: as `probe`. */
  readonly labels?: boolean;
  /** Globs of photos and folders to leave out: see `Exclusions`. */
  readonly exclude?: readonly string[] | undefined;
  /** The table of captions that images to train on get, or true: the one in the folder. None by default. */
  readonly captions?: string | true | undefined;
  readonly onProgress?: OnProgress;
}

/** What a run is given: images, where nothing else is said. */
export interface Dataset<S extends SampleSet = ImageSet> {
  readonly kind: DatasetKind;
  /** To pre-train on. */
  readonly train: S;
  /** Labelled ones with the same classes, to measure features with; absent when there are no labels. */
  readonly probe?: { readonly train: S; readonly test: S } | undefined;
  /** One line for people: what was found and how it is used. */
  readonly description: string;
  /** The same where nothing is pre-trained on. */
  readonly measured: string;
  /** What they were read from. */
  readonly files: readonly ListedFile[];
  /** What was found and is no data. */
  readonly leftOut: readonly LeftOut[];
  /** Globs of `exclude` that matched nothing. */
  readonly unusedExcludes: readonly string[];
  /** Closes the files that the sets read from. */
  close(): void;
}

/** Of each class, every fifth photo is held out when there is no test split. */
export const HOLD_OUT_EVERY = 5;

/**
 * Opens STL-10's binary files, or a folder of photos: with `train/`, `test/` (or `val/`), `unlabeled/`; or with class
 * folders; or just photos.
 *
 * @throws UserError the folder is none of these, the split is not in it, or captions do not fit its images
 */
export async function openDataset(path: string, options: DatasetOptions): Promise<Dataset> {
  const dataset = await openImages(path, options);
  if (options.captions === undefined) return dataset;
  try {
    return withCaptions(dataset, path, options);
  } catch (error) {
    dataset.close();
    throw error;
  }
}

async function openImages(path: string, options: DatasetOptions): Promise<Dataset> {
  await requireFolder(path);
  const reading = new Reading(path, options);
  const stl10 = findStl10(path);
  if (stl10 === undefined) {
    const splits = await findSplits(path, reading);
    return splits ? openSplits(path, splits, options, reading) : openPlain(path, options, reading);
  }
  if (options.exclude?.length)
    throw new UserError(`${stl10}: --exclude is for folders of photos, and these are STL-10's files; omit it`, 2);
  return openStl10(stl10, options, reading);
}

/** All photos of a folder, without labels: names of folders mean nothing. UserError: there are none. */
export async function openPhotos(path: string, given: Omit<DatasetOptions, 'split' | 'probe'>): Promise<Dataset> {
  await requireFolder(path);
  const options: DatasetOptions = { ...given, split: 'train', probe: false };
  return openPlain(path, options, new Reading(path, options));
}

/**
 * Photos without labels that stand beside labelled ones: STL-10's unlabelled part, or the folder `unlabeled/`. Undefined where there are none.
 */
export async function openUnlabelled(
  path: string,
  options: Omit<DatasetOptions, 'split' | 'probe'>,
): Promise<Dataset | undefined> {
  await requireFolder(path);
  const stl10 = findStl10(path);
  const there = stl10
    ? hasPart(stl10, 'unlabeled')
    : (await findSplits(path, new Reading(path, options)))?.unlabeled !== undefined;
  return there ? openDataset(path, { ...options, split: 'unlabeled', probe: false }) : undefined;
}

async function openStl10(folder: string, options: DatasetOptions, reading: Reading): Promise<Dataset> {
  const parts = new Set<Stl10Part>();
  const load = async (split: DataSplit) => {
    for (const part of split.split('+') as Stl10Part[]) parts.add(part);
    return resized(loadStl10(folder, split, reading.labelled), options);
  };
  for (const part of options.split.split('+') as Stl10Part[]) {
    if (!hasPart(folder, part))
      throw new UserError(`${folder}: no ${part}_X.bin, which split '${options.split}' needs; choose another split`);
  }
  const train = await load(options.split);
  const probed = options.probe !== false && hasPart(folder, 'train') && hasPart(folder, 'test');
  const probe = probed
    ? { train: options.split === 'train' ? train : await load('train'), test: await load('test') }
    : undefined;
  reading.files.push(...listStl10(folder, [...parts]));
  return dataset('stl10', reading, `STL-10 files in ${folder}, split ${options.split}`, train, probe);
}

/** The set at `options.size`: as it is at 96, else resized into memory. */
async function resized(set: ImageSet, { size, onProgress }: DatasetOptions): Promise<ImageSet> {
  if (size === STL10_SIDE) return set;
  const store = new PixelStore(set.count, size * size * 3);
  const block = 64;
  for (let start = 0; start < set.count; start += block) {
    const images = Array.from({ length: Math.min(block, set.count - start) }, (_, k) => start + k);
    await Promise.all(
      images.map(async (i) => {
        const pixels = new Uint8Array(set.height * set.width * 3);
        set.read(i, pixels, 0);
        store.slot(i).set(await resizeRgb(pixels, set.height, size));
      }),
    );
    onProgress?.({ phase: 'resize', done: start + images.length, total: set.count });
  }
  set.close?.();
  return storedSet({ ...set, height: size, width: size }, store);
}

interface Splits {
  readonly train?: string;
  readonly test?: string;
  readonly unlabeled?: string;
}

/**
 * The split folders under `path`. A lone `train/` beside other folders is a class called "train", not a split: one of
 * the other splits must stand beside it, or nothing else.
 */
async function findSplits(path: string, { exclusions }: Reading): Promise<Splits | undefined> {
  const folders: string[] = [];
  for (const name of await reading(path, readdir(path))) {
    if (isHidden(name) || packageFolders.includes(name) || exclusions.has(name)) continue;
    if (!(await stat(join(path, name)).catch(() => undefined))?.isDirectory()) continue;
    if (!holdsResults(join(path, name), await readdir(join(path, name)).catch(() => []))) folders.push(name);
  }
  const find = (...names: string[]) => names.find((name) => folders.includes(name));
  const train = find('train');
  const test = find('test', 'val', 'validation', 'valid');
  const unlabeled = find('unlabeled', 'unlabelled');
  if (unlabeled || (train && (test || folders.length === 1))) return { train, test, unlabeled };
  return undefined;
}

async function openSplits(path: string, splits: Splits, options: DatasetOptions, reading: Reading): Promise<Dataset> {
  if (options.split === 'test') {
    if (splits.test === undefined) throw new UserError(`${path}: no folder test/, which split 'test' needs`);
    return dataset('photos', reading, `photos in ${path}, ${splits.test}/`, await reading.photos(splits.test));
  }
  const wantsTrain = options.split !== 'unlabeled' || splits.unlabeled === undefined;
  const wantsUnlabeled = options.split !== 'train' && splits.unlabeled !== undefined;
  if (wantsTrain && splits.train === undefined) {
    throw new UserError(`${path}: no folder train/, which split '${options.split}' needs; choose split 'unlabeled'`);
  }
  const wantsProbe = options.probe !== false && splits.train !== undefined;
  const labelled = wantsTrain || wantsProbe ? await reading.photos(splits.train!) : undefined;
  const unlabeled = wantsUnlabeled ? await reading.photos(splits.unlabeled!, { labels: 'none' }) : undefined;
  const parts = wantsProbe ? await probeOf(labelled!, splits.test, reading) : undefined;
  const kept = parts?.rest ?? labelled;
  const train = !wantsTrain ? unlabeled! : unlabeled ? concat(`${path} (train+unlabeled)`, kept!, unlabeled) : kept!;
  const used = [wantsTrain && 'train/', wantsUnlabeled && `${splits.unlabeled}/`].filter(Boolean).join(' and ');
  return dataset('photos', reading, `photos in ${path}, ${used}`, train, parts?.probe, parts?.note);
}

async function openPlain(path: string, options: DatasetOptions, reading: Reading): Promise<Dataset> {
  if (options.split === 'test') throw new UserError(`${path}: no folder test/, which split 'test' needs`);
  const all = await reading.photos('');
  const parts = options.probe === false ? undefined : holdOut(all);
  return dataset('photos', reading, `photos in ${path}`, parts?.rest ?? all, parts?.probe, parts?.note);
}

interface ProbeParts {
  readonly probe: NonNullable<Dataset['probe']>;
  /** What is left of the labelled photos for pre-training. */
  readonly rest: ImageSet;
  readonly note: string;
}

async function probeOf(
  labelled: ImageSet,
  test: string | undefined,
  reading: Reading,
): Promise<ProbeParts | undefined> {
  if (labelled.classNames === undefined) return undefined;
  if (test === undefined) return holdOut(labelled);
  const set = await reading.photos(test, { classNames: labelled.classNames });
  if (set.labels === undefined) return holdOut(labelled);
  return { probe: { train: labelled, test: set }, rest: labelled, note: `test photos from ${test}/` };
}

/** Of each one whether it is number 5, 10, 15 … of its class. */
export function heldOut(labels: ArrayLike<number>, classes: number): boolean[] {
  const seen = new Uint32Array(classes);
  return Array.from(labels, (label) => ++seen[label] % HOLD_OUT_EVERY === 0);
}

/** Photos 5, 10, 15 … of every class become the test set; neither pre-training nor the probe's training sees them. */
function holdOut(set: ImageSet): ProbeParts | undefined {
  if (set.labels === undefined) return undefined;
  const isHeld = heldOut(set.labels, set.classNames!.length);
  const indices = Uint32Array.from({ length: set.count }, (_, i) => i);
  const test = subset(
    set,
    indices.filter((i) => isHeld[i]),
    `${set.name} (held out)`,
  );
  const rest = subset(
    set,
    indices.filter((i) => !isHeld[i]),
  );
  if (test.count === 0) return undefined;
  return {
    probe: { train: rest, test },
    rest,
    note: `every ${HOLD_OUT_EVERY}th photo of a class held out for the test`,
  };
}

function dataset(
  kind: Dataset['kind'],
  { files, leftOut, exclusions, probed: asked }: Reading,
  what: string,
  train: ImageSet,
  probe?: Dataset['probe'],
  note?: string,
): Dataset {
  const number = (value: number) => value.toLocaleString('en-US');
  const size = `${train.height}×${train.width}`;
  const labelled = (of: string) =>
    probe &&
    `${number(probe.train.count)} train / ${number(probe.test.count)} test${of} in ${counted(probe.train.classNames?.length ?? 10, 'class', 'classes')}` +
      (note ? ` (${note})` : '');
  const without = train.labels ? `no class of ${HOLD_OUT_EVERY} photos to hold one out` : 'no labels';
  const probed = probe ? `; probe ${labelled('')}` : asked ? `; ${without} for a probe` : '';
  const images = `${number(train.count)} ${plural(train.count, 'image')} of ${size}`;
  const sets = new Set([train, ...(probe ? [probe.train, probe.test] : [])]);
  return {
    kind,
    train,
    probe,
    files,
    leftOut,
    unusedExcludes: exclusions.unused,
    description: `${what}: ${images} to pre-train on${probed}`,
    measured: `${what}: ${labelled(` images of ${size}`) ?? `${images}, ${without}`}`,
    close: () => {
      for (const set of sets) set.close?.();
    },
  };
}
