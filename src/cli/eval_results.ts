/** What an evaluation leaves: files in its folder, and a table on the terminal. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { markResults } from '../data/results_folder.ts';
import type { Outcome } from '../eval/evaluation.ts';
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
  for (const [file, content] of renamed) writeFileAtomic(join(out, file), content);
  terminal.clear();
  terminal.line(title);
  if (rows.length > 0) {
    terminal.line();
    terminal.table(header, rows);
    terminal.line();
  }
  for (const note of notes) terminal.line(note);
  terminal.line(`written    ${out}: ${renamed.map(([file]) => file).join(', ')}`);
}

/** `neighbors`, or with the next number where results of that name are there: `neighbors-2`. */
function freeName(folder: string, name: string): string {
  const taken = new Set(readdirSync(folder).map((file) => file.replace(/\.[^.]*$/, '')));
  for (let number = 1; ; number++) {
    const numbered = number === 1 ? name : `${name}-${number}`;
    if (!taken.has(numbered)) return numbered;
  }
}
