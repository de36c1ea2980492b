/** From a path to the texts of a run: a plain text, a table, or a folder of plain texts. */
import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { UserError } from '../errors.ts';
import { counted } from '../io/counted.ts';
import { fileError, hasCode } from '../io/file_errors.ts';
import { type Dataset, HOLD_OUT_EVERY, heldOut } from './dataset.ts';
import { Exclusions } from './exclude.ts';
import type { OnProgress } from './images.ts';
import { type ListedFile, listedWhole } from './inventory.ts';
import { extensionOf } from './photo_names.ts';
import type { Skipped } from './samples.ts';
import { type FileKind, type Scan, scanFiles } from './scan.ts';
import { isTable, readBytes, tableExtensions } from './table.ts';
import { TEXT_FORMATS, type TextRows, textLines, textRows } from './text_rows.ts';
import { labelArray, pickTexts, type TextSet, textSet } from './texts.ts';

/** What `openTexts` makes of a file or folder. */
export interface TextsOptions {
  /** Whether labels are looked at, and rows held out for a probe; default true. Without, all rows are in `train`, in their order. */
  readonly probe?: boolean;
  /** Whether rows get the labels that there are, whatever is probed; default: as `probe`. */
  readonly labels?: boolean;
  /** Globs of files and folders to leave out: see `Exclusions`. */
  readonly exclude?: readonly string[] | undefined;
  readonly onProgress?: OnProgress;
}

const plainTexts: FileKind = {
  extensions: ['.txt'],
  unsupported: ['.pdf', '.doc', '.docx', '.odt', '.rtf', '.epub'],
  convertTo: 'plain text (.txt)',
};

/**
 * Opens a plain text, whose lines are texts; a table of texts, of pairs that say the same, or of triplets with what contradicts; or a
 * folder of plain texts, nested to any depth. Of a table with a column `label`, every fifth row of a class is held out, and not trained on.
 *
 * @throws UserError there is nothing to read, or a row is damaged: says in which line
 */
export async function openTexts(path: string, options: TextsOptions = {}): Promise<Dataset<TextSet>> {
  const { probe: probed = true, labels: labelled = probed, exclude } = options;
  const exclusions = new Exclusions(exclude);
  const { rows, files, skipped, leftOut } = await rowsAt(path, exclusions, options.onProgress);
  const classes = labelled ? classesOf(rows, path) : undefined;
  const all = textSet(rows.texts, { name: path, columns: rows.columns, ...classes, skipped });
  const parts = classes && probed ? heldOutOf(all) : undefined;
  const train = parts?.train ?? all;
  return {
    ...{ kind: 'texts', train, probe: parts, files, leftOut },
    ...{ unusedExcludes: exclusions.unused, close: () => {} },
    ...descriptions(path, train, probed, parts),
  };
}

interface Found {
  readonly rows: TextRows;
  readonly files: readonly ListedFile[];
  readonly skipped: readonly Skipped[];
  readonly leftOut: Scan['leftOut'];
}

/** The rows that a path means. */
async function rowsAt(path: string, exclusions: Exclusions, onProgress?: OnProgress): Promise<Found> {
  const found = await stat(path).catch((error) => {
    throw hasCode(error, 'ENOENT', 'ENOTDIR')
      ? new UserError(`${path}: no such file or folder`)
      : fileError('read', path, error);
  });
  if (found.isDirectory()) return rowsIn(path, exclusions, onProgress);
  if (!isTable(path) && !plainTexts.extensions.includes(extensionOf(path)))
    throw new UserError(`${path}: no texts; give a folder of plain texts (.txt), or one file: ${TEXT_FORMATS}`);
  const bytes = readBytes(path);
  return { rows: textRows(bytes, path), files: [listedWhole(basename(path), bytes)], skipped: [], leftOut: [] };
}

/** The lines of all plain texts in a folder, file after file. */
async function rowsIn(folder: string, exclusions: Exclusions, onProgress?: OnProgress): Promise<Found> {
  const { files, skipped, leftOut } = await scanFiles(folder, plainTexts, (file) => exclusions.has(file));
  const texts: string[][] = [];
  const listed: ListedFile[] = [];
  const faults: Skipped[] = [];
  files.forEach((file, i) => {
    try {
      const bytes = readBytes(join(folder, file));
      for (const line of textLines(bytes, file)) texts.push([line]);
      listed.push(listedWhole(file, bytes));
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      faults.push({ file, reason: error.message });
    }
    onProgress?.({ phase: 'decode', done: i + 1, total: files.length });
  });
  if (texts.length === 0) throw nothingIn(folder, files, [...skipped, ...faults]);
  return { rows: { columns: 1, texts }, files: listed, skipped: [...skipped, ...faults], leftOut };
}

function nothingIn(folder: string, files: readonly string[], [first]: readonly Skipped[]): UserError {
  const example = first ? `; ${first.file}: ${first.reason}` : '';
  if (files.length > 0) return new UserError(`${folder}: no text in ${counted(files.length, 'file')}${example}`);
  return new UserError(
    `${folder}: no plain texts (.txt) here or in its subfolders; a table (${tableExtensions.join(', ')}) is given by its own name${example}`,
  );
}

/** Classes in the order of their names. UserError: there are more than a label can tell. */
function classesOf({ labels }: TextRows, path: string): Required<Pick<TextSet, 'labels' | 'classNames'>> | undefined {
  if (!labels) return undefined;
  const classNames = [...new Set(labels)].sort();
  if (classNames.length > 65536)
    throw new UserError(`${path}: ${classNames.length} classes, at most 65536 are supported`);
  const numbers = new Map(classNames.map((name, i) => [name, i]));
  return { classNames, labels: labelArray(labels.map((label) => numbers.get(label)!)) };
}

/** Rows 5, 10, 15 … of every class become the test set. Undefined where there are none, or one class only. */
function heldOutOf(all: TextSet): Dataset<TextSet>['probe'] {
  const { labels, classNames } = all;
  if (classNames!.length < 2) return undefined;
  const isHeld = heldOut(labels!, classNames!.length);
  const [rest, held] = [false, true].map((part) => isHeld.flatMap((is, row) => (is === part ? [row] : [])));
  if (held.length === 0) return undefined;
  return { train: pickTexts(all, rest), test: pickTexts(all, held, `${all.name} (held out)`) };
}

const rowsAre = { 1: 'text', 2: 'pair of texts', 3: 'triplet of texts' } as const;

/** `3 pairs of texts`. */
export function countedRows({ count, columns }: Pick<TextSet, 'count' | 'columns'>): string {
  const [first, ...rest] = rowsAre[columns].split(' ');
  return [counted(count, first), ...rest].join(' ');
}

/** Lines for people. */
function descriptions(
  path: string,
  train: TextSet,
  labelled: boolean,
  probe: Dataset<TextSet>['probe'],
): Pick<Dataset, 'description' | 'measured'> {
  const held = `every ${HOLD_OUT_EVERY}th of a class held out for the test`;
  const parts =
    probe &&
    `${probe.train.count} train / ${probe.test.count} test texts in ${counted(probe.train.classNames!.length, 'class', 'classes')} (${held})`;
  const without = train.labels ? `no class of ${HOLD_OUT_EVERY} texts beside another to hold one out` : 'no labels';
  const probed = parts ? `; probe ${parts}` : labelled ? `; ${without} for a probe` : '';
  return {
    description: `${path}: ${countedRows(train)} to pre-train on${probed}`,
    measured: `${path}: ${parts ?? `${countedRows(train)}, ${without}`}`,
  };
}
