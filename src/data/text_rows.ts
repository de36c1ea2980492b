/** Rows of texts in a file: lines of plain text, or a table whose columns say what they are. */
import { z } from 'zod';
import { UserError } from '../errors.ts';
import { checked } from '../io/checked.ts';
import { isTable, type TableRow, tableRows, utf8 } from './table.ts';
import type { TextColumns } from './texts.ts';

/** What texts are read from, for people. */
export const TEXT_FORMATS = 'plain text (.txt), a text a line, or a table (.csv, .tsv, .jsonl)';

/** The columns of a table, under the names of this program and under those of SimCSE's files. */
const columnNames = [
  ['text', 'positive', 'negative'],
  ['sent0', 'sent1', 'hard_neg'],
] as const;
const remedy = 'give a table with a column text; or text and positive; or text, positive and negative';

/** What a file has. */
export interface TextRows {
  readonly columns: TextColumns;
  readonly texts: readonly (readonly string[])[];
  /** The class of each row by its name; undefined where a table has no column `label`. */
  readonly labels?: readonly string[] | undefined;
}

/** The lines of a plain text; blank ones are left out. UserError: it is not UTF-8. */
export const textLines = (bytes: Uint8Array, path: string): string[] =>
  utf8(bytes, path)
    .split(/\r\n|\n|\r/)
    .map((line) => line.trim())
    .filter((line) => line !== '');

/** Rows of a file, by its extension. UserError: it is damaged, says in which line; or it has no rows. */
export function textRows(bytes: Uint8Array, path: string): TextRows {
  const rows = isTable(path)
    ? ofTable(tableRows(utf8(bytes, path), path, remedy))
    : { columns: 1 as const, texts: textLines(bytes, path).map((line) => [line]) };
  if (rows.texts.length > 0) return rows;
  throw new UserError(`${path}: has no texts; give ${TEXT_FORMATS}`);
}

/** The first row says which columns there are, and all others have to have them. */
function ofTable(rows: Iterable<TableRow>): TextRows {
  const texts: string[][] = [];
  const labels: string[] = [];
  let form: Form | undefined;
  for (const { source, record } of rows) {
    form ??= formOf(record, source);
    const found = checked(form.schema, record, { source, remedy });
    const row = form.names.map((name) => found[name] as string);
    const empty = form.names.find((_, i) => row[i].trim() === '');
    if (empty !== undefined) throw new UserError(`${source}: column ${empty} is empty; give a text, or remove the row`);
    texts.push(row);
    if (form.labelled) labels.push(labelOf(found['label'], source));
  }
  return { columns: (form?.names.length ?? 1) as TextColumns, texts, labels: form?.labelled ? labels : undefined };
}

interface Form {
  readonly names: readonly string[];
  readonly labelled: boolean;
  readonly schema: z.ZodObject<Record<string, z.ZodType>>;
}

/** UserError: the row has no texts. */
function formOf(record: unknown, source: string): Form {
  const there = typeof record === 'object' && record !== null ? Object.keys(record) : [];
  const [first, ...others] = columnNames.find(([text]) => there.includes(text)) ?? columnNames[0];
  // A table with a third column and no second one is told so by the check.
  const last = others.findLastIndex((name) => there.includes(name));
  const names = [first, ...others.slice(0, last + 1)];
  const labelled = there.includes('label');
  const text = Object.fromEntries(names.map((name) => [name, z.string()]));
  const schema = z.object({ ...text, ...(labelled && { label: z.union([z.string(), z.number()]) }) });
  checked(schema, record, { source, remedy });
  return { names, labelled, schema };
}

function labelOf(label: unknown, source: string): string {
  const name = String(label).trim();
  if (name !== '') return name;
  throw new UserError(`${source}: column label is empty; name a class, or remove the row`);
}
