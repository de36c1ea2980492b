/** From a path to the sequences of a run: a folder of WAV files or of NumPy series, or one such file. */
import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { UserError } from '../errors.ts';
import { counted, plural } from '../io/counted.ts';
import { fileError, hasCode } from '../io/file_errors.ts';
import { type Dataset, HOLD_OUT_EVERY, heldOut } from './dataset.ts';
import { Exclusions } from './exclude.ts';
import type { OnProgress } from './images.ts';
import { extensionOf } from './photo_names.ts';
import type { Skipped } from './samples.ts';
import { type FileKind, labelsOf, type Scan, scanFiles } from './scan.ts';
import { type NamedSeries, type SequenceSet, type SetFacts, stretchesOf, wholeSequences } from './sequences.ts';
import { npySeries, type Series } from './series.ts';
import { wavSeries } from './wav.ts';

/** What sequences are read from, for people. */
export const SEQUENCE_FORMATS = 'WAV, or NumPy arrays (.npy) of frames, or of frames × channels';

/** What `openSequences` makes of a folder. */
export interface SequenceOptions {
  /** Frames of a window; shorter files are left out. */
  readonly window: number;
  /** Whether class folders are looked for, and files held out for a probe; default true. */
  readonly probe?: boolean;
  /** Whether sequences get the labels that there are, whatever is probed; default: as `probe`. */
  readonly labels?: boolean;
  /**
   * Whether `train` has each file whole, so that there is one sequence for each, and not in stretches of about a window, as a run trains
   * on them; default false. One file alone is always cut.
   */
  readonly whole?: boolean;
  /** Globs of files and folders to leave out: see `Exclusions`. */
  readonly exclude?: readonly string[] | undefined;
  readonly onProgress?: OnProgress;
}

const openers: Readonly<Record<string, (path: string) => Series>> = { '.wav': wavSeries, '.npy': npySeries };

const sequenceFiles: FileKind = {
  extensions: Object.keys(openers),
  unsupported: ['.mp3', '.flac', '.ogg', '.opus', '.m4a', '.aac', '.aif', '.aiff', '.wma', '.npz'],
  convertTo: 'WAV, or arrays to .npy',
};

/**
 * Opens a folder of WAV files or of .npy arrays, nested to any depth, or one such file. Sound is read from the disk as it is needed, arrays
 * are held in memory. With class folders, every fifth file of a class is held out, and none of it is trained on.
 *
 * @throws UserError there is nothing to read, files differ in their channels or frames a second, or all are shorter than a window
 */
export async function openSequences(path: string, options: SequenceOptions): Promise<Dataset<SequenceSet>> {
  const { window, probe: probed = true, labels: labelled = probed, whole = false, exclude, onProgress } = options;
  const exclusions = new Exclusions(exclude);
  const { root, files, skipped: passed, leftOut } = await filesAt(path, exclusions);
  const { all, skipped } = openAll(root, files, passed, window, onProgress);
  if (all.length === 0) throw nothingIn(path, files, skipped, window);
  checkAlike(path, all);
  const classes = labelled
    ? labelsOf(
        all.map(({ file }) => file),
        root,
      )
    : undefined;
  const named = all.map((one, i) => ({ ...one, label: classes?.labels[i] }));
  const facts: SetFacts = { name: path, classNames: classes?.classNames, skipped };
  const isHeld = classes && probed && heldOut(classes.labels, classes.classNames.length);
  const [rest, held] = [false, true].map((part) => named.filter((_, i) => (isHeld ? isHeld[i] : false) === part));
  const cut = whole && named.length > 1 ? wholeSequences(facts, named) : stretchesOf(facts, rest, window);
  const probe = held.length > 0 ? { train: wholeSequences(facts, rest), test: wholeSequences(facts, held) } : undefined;
  const listed = files.map(async (file) => ({ file, bytes: (await stat(join(root, file))).size }));
  return {
    ...{ kind: 'sequences', train: cut, probe, files: await Promise.all(listed), leftOut },
    ...{ unusedExcludes: exclusions.unused, close: () => {} },
    ...descriptions(path, all, cut, window, probed, probe),
  };
}

/** The files that a path means, relative to a folder. */
async function filesAt(path: string, exclusions: Exclusions): Promise<Scan & { readonly root: string }> {
  const found = await stat(path).catch((error) => {
    throw hasCode(error, 'ENOENT', 'ENOTDIR')
      ? new UserError(`${path}: no such file or folder`)
      : fileError('read', path, error);
  });
  if (found.isDirectory())
    return { root: path, ...(await scanFiles(path, sequenceFiles, (file) => exclusions.has(file))) };
  if (!(extensionOf(path) in openers))
    throw new UserError(`${path}: no sequences; give a folder of them, or one file: ${SEQUENCE_FORMATS}`);
  return { root: dirname(path), files: [basename(path)], skipped: [], leftOut: [] };
}

/** Opens those that can be read and are long enough. */
function openAll(
  root: string,
  files: readonly string[],
  passed: readonly Skipped[],
  window: number,
  onProgress: OnProgress | undefined,
): { all: NamedSeries[]; skipped: readonly Skipped[] } {
  const all: NamedSeries[] = [];
  const skipped = [...passed];
  files.forEach((file, i) => {
    try {
      const series = openers[extensionOf(file)](join(root, file));
      if (series.length >= window) all.push({ file, series });
      else skipped.push({ file, reason: `has ${counted(series.length, 'frame')}, fewer than --window ${window}` });
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      skipped.push({ file, reason: error.message });
    }
    onProgress?.({ phase: 'decode', done: i + 1, total: files.length });
  });
  return { all, skipped };
}

function nothingIn(path: string, files: readonly string[], skipped: readonly Skipped[], window: number): UserError {
  const [first] = skipped;
  const example = first ? `; ${first.file}: ${first.reason}` : '';
  if (files.length === 0)
    return new UserError(`${path}: no sequences here or in its subfolders (looked for ${SEQUENCE_FORMATS})${example}`);
  const none = files.length === 1 ? 'the only file is' : `none of the ${files.length} files is`;
  const not = files.length === 1 ? 'no sequence' : 'a sequence';
  return new UserError(`${path}: ${none} ${not} of ${window} frames or more${example}`);
}

/** UserError: files have different numbers of channels, or of frames in a second. */
function checkAlike(path: string, [first, ...others]: readonly NamedSeries[]): void {
  const described = ({ file, series: { channels, sampleRate } }: NamedSeries) =>
    `'${file}' has ${counted(channels, 'channel')}${sampleRate === undefined ? '' : ` at ${sampleRate} Hz`}`;
  const sort = ({ series: { channels, sampleRate } }: NamedSeries) => `${channels} ${sampleRate}`;
  const other = others.find((one) => sort(one) !== sort(first));
  if (!other) return;
  throw new UserError(`${path}: ${described(first)}, ${described(other)}; convert all to one kind`);
}

/** Lines for people. */
function descriptions(
  path: string,
  all: readonly NamedSeries[],
  train: SequenceSet,
  window: number,
  labelled: boolean,
  probe: Dataset<SequenceSet>['probe'],
): Pick<Dataset, 'description' | 'measured'> {
  const number = (value: number) => value.toLocaleString('en-US');
  const { channels, sampleRate } = train;
  const seconds = sampleRate && ` (${Number((window / sampleRate).toPrecision(2))} s)`;
  const rate = sampleRate === undefined ? '' : ` at ${number(sampleRate)} Hz`;
  const what = `${counted(all.length, 'file')} of ${counted(channels, 'channel')}${rate} in ${path}`;
  const sequences = `${number(train.count)} ${plural(train.count, 'sequence')} for windows of ${number(window)} frames${seconds ?? ''}`;
  const held = `every ${HOLD_OUT_EVERY}th file of a class held out for the test`;
  const parts =
    probe &&
    `${number(probe.train.count)} train / ${number(probe.test.count)} test files in ${counted(probe.train.classNames!.length, 'class', 'classes')} (${held})`;
  const without = train.labels ? `no class of ${HOLD_OUT_EVERY} files to hold one out` : 'no labels';
  const probed = parts ? `; probe ${parts}` : labelled ? `; ${without} for a probe` : '';
  return {
    description: `${what}: ${sequences} to pre-train on${probed}`,
    measured: `${what}: ${parts ?? `${sequences}, ${without}`}`,
  };
}
