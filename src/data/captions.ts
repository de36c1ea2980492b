/** Captions: what texts say of photos, from a table beside them. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join, posix, relative, sep } from 'node:path';
import { CsvError, parse } from 'csv-parse/sync';
import { z } from 'zod';
import { messageOf, UserError } from '../errors.ts';
import { checked } from '../io/checked.ts';
import { counted } from '../io/counted.ts';
import { guarded } from '../io/file_errors.ts';
import type { Captions, ImageSet } from './images.ts';
import type { ListedFile } from './inventory.ts';
import { findStl10, type Stl10Split, stl10Names } from './stl10.ts';
import { Tokenizer } from './tokenizer.ts';

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
  const bytes = guarded('read', path, () => readFileSync(path));
  const text = utf8(bytes, path);
  for (const { line, record } of /\.jsonl$/i.test(path) ? jsonRows(text, path) : csvRows(text, path)) {
    const source = `${path}: line ${line}`;
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

function utf8(bytes: Uint8Array, path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new UserError(`${path}: not text in UTF-8; convert it`);
  }
}

interface Row {
  /** From 1. */
  readonly line: number;
  readonly record: unknown;
}

function* jsonRows(text: string, path: string): Generator<Row> {
  for (const [i, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    try {
      yield { line: i + 1, record: JSON.parse(line) };
    } catch (error) {
      throw new UserError(`${path}: line ${i + 1}: not valid JSON (${messageOf(error)}); ${remedy}`);
    }
  }
}

function csvRows(text: string, path: string): Row[] {
  try {
    const lines = { record_delimiter: ['\r\n', '\n', '\r'], skip_empty_lines: true };
    const onRecord = (record: unknown, { lines: line }: { readonly lines: number }): Row => ({ line, record });
    return parse(text, { ...lines, bom: true, columns: true, on_record: onRecord }) as unknown as Row[];
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    const line = error['lines'];
    throw new UserError(`${path}: line ${typeof line === 'number' ? line : 1}: ${error.message}; ${remedy}`);
  }
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
  readonly kind: 'stl10' | 'photos' | 'sequences';
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
    files: [...files, listed(path, folder)],
    description: `${description}; ${counted(total, 'caption')} of ${path}`,
  };
}

/** The table among the files that a run is started with. */
function listed(path: string, folder: string): ListedFile {
  const bytes = guarded('read', path, () => readFileSync(path));
  const sample = createHash('sha256').update(bytes).digest('hex');
  return { file: relative(folder, path), bytes: bytes.length, sample };
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

const tokenizers = new WeakMap<Captions, Tokenizer>();

/** The tokenizer that is learnt from captions, once for each set of them. */
export function tokenizerOf(captions: Captions): Tokenizer {
  let tokenizer = tokenizers.get(captions);
  if (!tokenizer) tokenizers.set(captions, (tokenizer = Tokenizer.train(captions.flat())));
  return tokenizer;
}
