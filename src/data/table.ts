/** Tables of texts: CSV, TSV or JSON Lines, a row at a time with the line that it is from. */
import { readFileSync } from 'node:fs';
import { CsvError, parse } from 'csv-parse/sync';
import { messageOf, UserError } from '../errors.ts';
import { guarded } from '../io/file_errors.ts';

/** Extensions of files that are tables. */
export const tableExtensions = ['.csv', '.tsv', '.jsonl'] as const;

/** Whether a file is a table by its name. */
export const isTable = (path: string): boolean =>
  tableExtensions.some((extension) => path.toLowerCase().endsWith(extension));

/** A row, not checked yet. */
export interface TableRow {
  /** The file and the line, for messages: `pairs.csv: line 3`. */
  readonly source: string;
  /** Its columns by name; of JSON Lines whatever the line holds. */
  readonly record: unknown;
}

/** UserError: it cannot be read. */
export const readBytes = (path: string): Buffer => guarded('read', path, () => readFileSync(path));

/** The text of a file that was read. UserError: it is not UTF-8. */
export function utf8(bytes: Uint8Array, path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new UserError(`${path}: not text in UTF-8; convert it`);
  }
}

/**
 * The rows of a table. The first line of `.csv` and of `.tsv` names the columns; cells of `.tsv` are as they stand, without quotes around
 * them. Each line of `.jsonl` is a value. Empty lines are passed over.
 *
 * @param remedy for messages: what such a table should be
 * @throws UserError it cannot be read, or a line is damaged; says which
 */
export const readTable = (path: string, remedy: string): Iterable<TableRow> =>
  tableRows(utf8(readBytes(path), path), path, remedy);

/** The same of a table that was read. */
export function tableRows(text: string, path: string, remedy: string): Iterable<TableRow> {
  if (/\.jsonl$/i.test(path)) return jsonRows(text, path, remedy);
  return columnRows(text, path, remedy, /\.tsv$/i.test(path) ? { delimiter: '\t', quote: false } : {});
}

const sourceOf = (path: string, line: number): string => `${path}: line ${line}`;

function* jsonRows(text: string, path: string, remedy: string): Generator<TableRow> {
  for (const [i, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const source = sourceOf(path, i + 1);
    try {
      yield { source, record: JSON.parse(line) };
    } catch (error) {
      throw new UserError(`${source}: not valid JSON (${messageOf(error)}); ${remedy}`);
    }
  }
}

function columnRows(
  text: string,
  path: string,
  remedy: string,
  form: { readonly delimiter?: string; readonly quote?: false },
): TableRow[] {
  try {
    const lines = { record_delimiter: ['\r\n', '\n', '\r'], skip_empty_lines: true };
    const onRecord = (record: unknown, { lines: line }: { readonly lines: number }): TableRow => ({
      ...{ source: sourceOf(path, line), record },
    });
    return parse(text, { ...form, ...lines, bom: true, columns: true, on_record: onRecord }) as unknown as TableRow[];
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    const line = error['lines'];
    throw new UserError(`${sourceOf(path, typeof line === 'number' ? line : 1)}: ${error.message}; ${remedy}`);
  }
}
