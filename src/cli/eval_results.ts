/** What an evaluation leaves: files in its folder, and a table on the terminal. */
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { markResults } from '../data/results_folder.ts';
import type { Outcome } from '../eval/evaluation.ts';
import { counted } from '../io/counted.ts';
import { ensureWritableDir, writeFileAtomic } from '../io/files.ts';
import type { Terminal } from './terminal.ts';

/** Writes `<what>.json` and the figures into a folder, which is made, and prints the table. */
export function writeOutcome(terminal: Terminal, what: string, out: string, outcome: Outcome): void {
  const { title, header, rows, notes, json, files, numbered } = outcome;
  ensureWritableDir(out);
  markResults(out);
  const name = numbered ? freeName(out, what) : what;
  const written = { [`${what}.json`]: `${JSON.stringify({ evaluation: what, title, ...json }, null, 2)}\n`, ...files };
  const renamed = Object.entries(written).map(([file, content]) => [file.replace(what, name), content] as const);
  for (const folder of new Set(renamed.map(([file]) => dirname(file)))) ensureWritableDir(join(out, folder));
  for (const [file, content] of renamed) writeFileAtomic(join(out, file), content);
  terminal.clear();
  terminal.line(title);
  if (rows.length > 0) {
    terminal.line();
    terminal.table(header, rows);
    terminal.line();
  }
  for (const note of notes) terminal.line(note);
  terminal.line(`written    ${out}: ${namesOf(renamed.map(([file]) => file)).join(', ')}`);
}

/** Names of files; those in a folder are counted. */
function namesOf(files: readonly string[]): string[] {
  const folders = new Map<string, number>();
  for (const file of files) {
    const [folder, ...inside] = file.split('/');
    folders.set(folder, (folders.get(folder) ?? 0) + (inside.length > 0 ? 1 : 0));
  }
  return Array.from(folders, ([name, count]) => (count > 0 ? `${name}/ (${counted(count, 'file')})` : name));
}

/** `neighbors`, or with the next number where results of that name are there: `neighbors-2`. */
function freeName(folder: string, name: string): string {
  const taken = new Set(readdirSync(folder).map((file) => file.replace(/\.[^.]*$/, '')));
  for (let number = 1; ; number++) {
    const numbered = number === 1 ? name : `${name}-${number}`;
    if (!taken.has(numbered)) return numbered;
  }
}
