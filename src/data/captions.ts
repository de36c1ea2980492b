/** Captions: what texts say of photos, from a table beside them. */
import { existsSync } from 'node:fs';
import { join, posix, relative, sep } from 'node:path';
import { z } from 'zod';
import { UserError } from '../errors.ts';
import { checked } from '../io/checked.ts';
import { counted } from '../io/counted.ts';
import type { ImageSet } from './images.ts';
import { type ListedFile, listedWhole } from './inventory.ts';
import type { DatasetKind } from './samples.ts';
import { findStl10, type Stl10Split, stl10Names } from './stl10.ts';
import { readBytes, readTable } from './table.ts';

/** Tables of captions that are taken where nobody names one. */
export const captionFiles = ['captions.csv', 'captions.jsonl'] as const;

const row = z.object({ file: z.string().min(1), text: z.string() });
const remedy = 'give a table of columns file and text, a row for each caption';

/**
 * The captions of a table, by file: `captions.csv`, whose first line names its columns, or `captions.jsonl`, whose lines are
 * {"file": …, "text": …}. Other columns are passed over; several rows of a file are several captions of it.
 *
 * @throws UserError it cannot be read, or a row is not one; says in which line
 */
export function readCaptions(path: string): ReadonlyMap<string, readonly string[]> {
  const captions = new Map<string, string[]>();
  for (const { source, record } of readTable(path, remedy)) {
    const { file, text } = checked(row, record, { source, remedy });
    if (text.trim() === '') throw new UserError(`${source}: the text is empty; give one, or remove the row`);
    const name = posix.normalize(file.replaceAll('\\', '/'));
    const known = captions.get(name);
    if (known) known.push(text);
    else captions.set(name, [text]);
  }
  if (captions.size === 0) throw new UserError(`${path}: has no captions; ${remedy}`);
  return captions;
}

/** The table of a data folder: the one that is named, or one of `captionFiles`. UserError: there is none. */
function captionsFile(folder: string, given: string | true): string {
  if (given !== true) return given;
  const stl10 = findStl10(folder);
  const places = [folder, ...(stl10 && stl10 !== folder ? [stl10] : [])];
  const found = places.flatMap((place) => captionFiles.map((name) => join(place, name))).find(existsSync);
  if (found !== undefined) return found;
  throw new UserError(
    `${folder}: has no captions (looked for ${captionFiles.join(' and ')}); name their file with --captions`,
  );
}

/** What a data set has that gets captions. */
interface Uncaptioned {
  readonly kind: DatasetKind;
  readonly train: ImageSet;
  readonly probe?: { readonly train: ImageSet; readonly test: ImageSet };
  readonly files: readonly ListedFile[];
  readonly description: string;
}

/**
 * A data set whose images to train on have captions. Files are named relative to the data folder; in STL-10's format they are
 * `unlabeled/0`, `unlabeled/1`, … in the order of the part.
 *
 * @throws UserError there is no table, it names a file that is not there, or an image has no caption
 */
export function withCaptions<D extends Uncaptioned>(
  dataset: D,
  folder: string,
  { captions: given = true, split }: { readonly captions?: string | true | undefined; readonly split: Stl10Split },
): D {
  const { train, kind, files, description, probe } = dataset;
  const path = captionsFile(folder, given);
  const byName = readCaptions(path);
  const names = kind === 'stl10' ? stl10Names(folder, split) : photoNames(folder, train);
  const known = new Set(kind === 'stl10' ? stl10Names(folder) : names);
  const isThere = (name: string) => known.has(name) || (kind === 'photos' && existsSync(join(folder, name)));
  const strange = [...byName.keys()].filter((name) => !isThere(name));
  if (strange.length > 0) throw notThere(path, folder, strange);
  const without = names.filter((name) => !byName.has(name));
  if (without.length > 0) throw withoutCaption(path, names, without);
  const captions = names.map((name) => byName.get(name)!);
  const total = captions.reduce((sum, own) => sum + own.length, 0);
  const captioned: ImageSet = { ...train, captions };
  return {
    ...dataset,
    train: captioned,
    // Where the probe's training images are those that are trained on, they stay one set.
    ...(probe?.train === train && { probe: { ...probe, train: captioned } }),
    files: [...files, listedWhole(relative(folder, path), readBytes(path))],
    description: `${description}; ${counted(total, 'caption')} of ${path}`,
  };
}

const photoNames = (folder: string, { count, source }: ImageSet): string[] =>
  Array.from({ length: count }, (_, i) => relative(folder, source!(i)).split(sep).join('/'));

/** Rows are of images that are not there, in whichever split. */
function notThere(path: string, folder: string, missing: readonly string[]): UserError {
  const what = missing.length === 1 ? 'an image that is' : `${missing.length} images that are`;
  const first = missing.length === 1 ? missing[0] : `the first is ${missing[0]}`;
  return new UserError(
    `${path}: names ${what} not in ${folder}: ${first}; give paths relative to that folder, or remove the rows`,
  );
}

function withoutCaption(path: string, names: readonly string[], without: readonly string[]): UserError {
  const some = `${without.length} of ${counted(names.length, 'image')}`;
  return new UserError(
    `${path}: no caption for ${some}, the first is ${without[0]}; add rows, or leave images out with --exclude`,
  );
}
