/** What several commands share: how they are called again, how they are stopped, what they say of files left out. */
import { basename, relative } from 'node:path';
import type { Dataset } from '../data/dataset.ts';
import { emptyClassFolders } from '../data/empty_classes.ts';
import { kindOf, type SampleSet } from '../data/samples.ts';
import type { LeftOut } from '../data/scan.ts';
import { quote } from '../io/file_errors.ts';
import { dollarQuoted, printable } from '../io/printable.ts';
import type { EncoderFile } from '../train/encoder_file.ts';
import { findCheckpoint } from '../train/find_checkpoint.ts';
import { describePreparation } from '../train/preparation.ts';
import type { Terminal } from './terminal.ts';

/**
 * A command line, in words quoted for the shell, that works where this one was typed: by an archive's launcher, npm, the installed
 * program, or Node.
 */
export const commandWords = (...args: string[]): string[] => [program(), ...args.map(shellWord)];

/** The same as text. */
export const command = (...args: string[]): string => commandWords(...args).join(' ');

function program(): string {
  const launcher = process.env['SIMCLR_PROGRAM'];
  if (launcher) return shellWord(launcher);
  const { npm_lifecycle_event: event, npm_lifecycle_script: script = '' } = process.env;
  if (event && event !== 'npx') return 'npm run simclr --';
  // npx names what it was asked for: it may be another program, which has started this one.
  if (event && /^['"]?simclr\b/.test(script)) return 'npx simclr';
  const file = process.argv[1] ?? '';
  return basename(file).startsWith('simclr') ? 'simclr' : `node ${shellWord(relative('', file))}`;
}

/** A word as a shell takes it. */
export function shellWord(word: string): string {
  if (/^[\w./:=@%+,-]+$/.test(word)) return word;
  return printable(word) === word ? `'${word.replaceAll("'", "'\\''")}'` : dollarQuoted(word);
}

const signals = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/** Signals that arrive so soon after the first are the same request: npm and other wrappers forward the terminal's Ctrl-C once more. */
const sameRequestMs = 1000;

/**
 * Aborts `signal` on Ctrl-C, SIGTERM or a closed terminal, so that work can be saved. A Ctrl-C that comes more than a second later
 * ends the process at once; the others are repeated by systems, not by people.
 */
export function stopOnSignals(terminal: Terminal): { signal: AbortSignal; exitCode: () => number } {
  const stop = new AbortController();
  let code = 0;
  let first = 0;
  for (const [name, exit] of Object.entries(signals)) {
    process.on(name, () => {
      if (stop.signal.aborted) {
        if (name === 'SIGINT' && performance.now() - first > sameRequestMs) process.exit(exit);
        return;
      }
      first = performance.now();
      code = exit;
      stop.abort();
      terminal.line('stopping after this step (again to stop at once)');
    });
  }
  return { signal: stop.signal, exitCode: () => code };
}

/** Skipped files that are named; the others are counted. */
const named = 20;

/** Names class folders without readable images or sequences, and says how many files of each set could not be read, and which; those that several sets leave out are told once. */
export function printSkipped(sets: readonly SampleSet[], terminal: Terminal): void {
  const empty = new Map(sets.map((set) => [set.name, { kind: kindOf(set), folders: emptyClassFolders(set) }]));
  for (const [name, { kind, folders }] of empty) {
    const shown = folders.slice(0, named).map(quote).join(', ');
    const more = folders.length > named ? ` and ${folders.length - named} more` : '';
    if (folders.length > 0)
      terminal.line(`note       no readable ${kind} in these class folders of ${name}: ${shown}${more}`);
  }
  const told = new Set<SampleSet['skipped'][number]>();
  for (const { name, skipped: all } of sets) {
    const skipped = all.filter((one) => !told.has(one));
    if (skipped.length === 0) continue;
    terminal.line(`skipped    ${skipped.length} unreadable ${skipped.length === 1 ? 'file' : 'files'} of ${name}:`);
    for (const { file, reason } of skipped.slice(0, named)) terminal.line(`           ${quote(file)}: ${reason}`);
    if (skipped.length > named) terminal.line(`           and ${skipped.length - named} more`);
    for (const one of skipped) told.add(one);
  }
}

/** The file that `--checkpoint` means: a run's folder stands for its newest checkpoint, and it is said which. */
export function checkpointFile(path: string, terminal: Terminal): string {
  const file = findCheckpoint(path, (message) => terminal.line(`note       ${message}; using an older one`));
  if (file !== path) terminal.line(`checkpoint ${file}`);
  return file;
}

const whyLeftOut: Readonly<Record<LeftOut['why'], string>> = {
  results: 'results of this program',
  packages: 'packages',
  system: 'views of the system',
  excluded: '--exclude',
};

/** Says in a line what in a data folder is no data, and which globs of `--exclude` matched nothing. */
export function printLeftOut(
  { leftOut, unusedExcludes }: Pick<Dataset<SampleSet>, 'leftOut' | 'unusedExcludes'>,
  terminal: Terminal,
): void {
  const parts = (Object.keys(whyLeftOut) as LeftOut['why'][]).flatMap((why) => {
    const paths = leftOut.filter((one) => one.why === why).map(({ path }) => path);
    if (paths.length === 0) return [];
    return [
      `${whyLeftOut[why]}: ${paths.slice(0, 3).join(', ')}${paths.length > 3 ? ` and ${paths.length - 3} more` : ''}`,
    ];
  });
  if (parts.length > 0) terminal.line(`left out   ${parts.join('; ')}`);
  for (const glob of unusedExcludes) terminal.line(`note       --exclude '${glob}' matches nothing`);
}

/** All sets of a folder. */
export const setsOf = ({ train, probe }: Dataset<SampleSet>): SampleSet[] => [
  train,
  ...(probe ? [probe.train, probe.test] : []),
];

/** Says how images are prepared for an encoder, and where its features are from, if they are not the encoder's own output. */
export function printEncoder(file: EncoderFile, terminal: Terminal): void {
  terminal.line(`preparation ${describePreparation(file)}`);
  const { widths = [] } = file.head ?? {};
  const where = `layer ${widths.length} of the projection head: ${widths.at(-1)} numbers`;
  if (widths.length > 0) terminal.line(`features   behind ${where}`);
}
