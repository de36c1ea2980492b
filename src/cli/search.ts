import { dirname, extname } from 'node:path';
import type { Command } from 'commander';
import { searchPhotos } from '../eval/photo_search.ts';
import { fewNeighbors } from '../eval/picture_queries.ts';
import { counted } from '../io/counted.ts';
import { checkExtension, checkWritableDir, ensureWritableDir, writeFileAtomic } from '../io/files.ts';
import { countFrom } from './eval_options.ts';
import { askIndex, type IndexOptions, indexCommand, notesTerminal } from './photo_index.ts';

interface SearchOptions extends IndexOptions {
  readonly query: readonly string[];
  readonly top?: number;
}

/** `simclr search`: the photos of a folder that are most like a photo. */
export const searchCommand = (): Command =>
  indexCommand('search', 'find the photos of a folder that are most like a photo, in an index that is kept')
    .requiredOption(
      '--query <file>',
      'a photo, in the folder or elsewhere; repeatable',
      (text: string, before: string[] = []) => [...before, text],
    )
    .option('--top <number>', `photos for each query (default: up to ${fewNeighbors})`, countFrom(1))
    .option('--out <file>', 'also draw them as a sheet (.png, .svg)')
    .action(search);

async function search(options: SearchOptions): Promise<void> {
  const { data, query: queries, top, out, json } = options;
  const terminal = notesTerminal(options);
  if (out !== undefined) {
    checkExtension(out, ['.png', '.svg'], 'a sheet');
    checkWritableDir(dirname(out));
  }
  const { found, sheet, searched } = await askIndex(options, terminal, async (evaluation, index) => {
    const found = await searchPhotos(evaluation, index, data, { queries, top });
    return { found, sheet: out === undefined ? undefined : await found.sheet(), searched: index.photos.length };
  });
  if (json) process.stdout.write(`${JSON.stringify(found.json, null, 2)}\n`);
  else {
    terminal.line(`nearest of ${counted(searched, 'photo')} by cosine similarity`);
    terminal.line();
    terminal.table(found.table.header, found.table.rows);
  }
  if (out === undefined || !sheet) return;
  ensureWritableDir(dirname(out));
  writeFileAtomic(out, extname(out).toLowerCase() === '.svg' ? sheet.svg : sheet.png);
  terminal.line(`written    ${out}`);
}
