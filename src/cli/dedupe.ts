import { dirname, extname } from 'node:path';
import type { Command } from 'commander';
import { type DuplicateGroups, findDuplicates } from '../eval/dedupe.ts';
import { counted } from '../io/counted.ts';
import { csvLine } from '../io/csv.ts';
import { checkExtension, checkWritableDir, ensureWritableDir, writeFileAtomic } from '../io/files.ts';
import { decimal, formatBytes } from '../report/numbers.ts';
import { numberIn } from './eval_options.ts';
import { askIndex, type IndexOptions, indexCommand, notesTerminal } from './photo_index.ts';
import type { Terminal } from './terminal.ts';

interface DedupeOptions extends IndexOptions {
  readonly threshold: number;
}

/** Rows of the table; a file has all of them. */
const mostRows = 60;

/** `simclr dedupe`: photos that show nearly the same, as groups. Nothing is removed. */
export const dedupeCommand = (): Command =>
  indexCommand('dedupe', 'find photos of a folder that are nearly the same, as groups; none is removed')
    .option('--threshold <cosine>', 'photos of a group are connected by cosines of at least this', numberIn(0, 1), 0.98)
    .option('--out <file>', 'also write the groups (.json, .csv)')
    .action(dedupe);

async function dedupe(options: DedupeOptions): Promise<void> {
  const { data, threshold, out, json } = options;
  const terminal = notesTerminal(options);
  if (out !== undefined) {
    checkExtension(out, ['.json', '.csv'], 'groups');
    checkWritableDir(dirname(out));
  }
  const found = await askIndex(options, terminal, (evaluation, index) =>
    findDuplicates(evaluation, index, data, threshold),
  );
  const text = `${JSON.stringify(found.json, null, 2)}\n`;
  if (json) process.stdout.write(text);
  else printGroups(found, threshold, terminal);
  for (const note of found.notes) terminal.line(`note       ${note}`);
  if (out === undefined) return;
  ensureWritableDir(dirname(out));
  writeFileAtomic(out, extname(out).toLowerCase() === '.csv' ? csvLines(found) : text);
  terminal.line(`written    ${out}`);
}

function printGroups({ groups, photos, copies }: DuplicateGroups, threshold: number, terminal: Terminal): void {
  const members = groups.reduce((sum, group) => sum + group.length, 0);
  const same = copies > 0 ? `; ${copies} ${copies === 1 ? 'is an exact copy' : 'are exact copies'} of another` : '';
  if (groups.length === 0) {
    terminal.line(`no two of ${counted(photos, 'photo')} have a cosine of ${threshold} or more`);
    return;
  }
  terminal.line(
    `${members} of ${counted(photos, 'photo')} in ${counted(groups.length, 'group')} of cosines from ${threshold}${same}`,
  );
  const rows = groups.flatMap((group, number) =>
    group.map(({ file, bytes, similarity, copyOf }, i) => [
      ...[i === 0 ? String(number + 1) : '', file, formatBytes(bytes), decimal(similarity, 4)],
      copyOf === null ? '' : `copy of ${copyOf}`,
    ]),
  );
  terminal.line();
  terminal.table(['group', 'photo', 'size', 'similarity', ''], rows.slice(0, mostRows));
  if (rows.length > mostRows) terminal.line(`… and ${rows.length - mostRows} more; --out writes all of them`);
  terminal.line();
}

/** A row for each photo of a group. */
const csvLines = ({ groups }: DuplicateGroups): string =>
  [
    csvLine(['group', 'file', 'bytes', 'similarity', 'copy_of']),
    ...groups.flatMap((group, number) =>
      group.map(({ file, bytes, similarity, copyOf }) =>
        csvLine([number + 1, file, bytes, Number(similarity.toFixed(6)), copyOf ?? '']),
      ),
    ),
  ].join('');
