/** Tables of rows that have texts and numbers, in the formats that other programs read: CSV, JSON Lines, Parquet. */
import type { SchemaElement } from 'hyparquet';
import { ByteWriter, type ColumnSource, ParquetWriter } from 'hyparquet-writer';
import { csvPieces, decimals, numbersOf, type RowTable, widthOf } from './csv_table.ts';

const writers = { '.csv': csvPieces, '.jsonl': jsonPieces, '.parquet': parquetPieces } as const;
export type RowTableExtension = keyof typeof writers;

/** Extensions of the files that there are. */
export const rowTableExtensions = Object.keys(writers) as readonly RowTableExtension[];

/** Numbers in a group of rows of Parquet, which are boxed while it is written: larger ones take more memory, and time to collect it. */
const usualGroup = 2 ** 17;

/** The content of a file of that extension, in pieces for `writeFileAtomic`. */
export const rowTablePieces = (
  extension: RowTableExtension,
  table: RowTable,
  numbersInGroup = usualGroup,
): Generator<string | Uint8Array, void, undefined> => writers[extension](table, numbersInGroup);

function* jsonPieces(table: RowTable): Generator<string, void, undefined> {
  const { count, texts, numbers } = table;
  const { columns } = numbers;
  for (let row = 0; row < count; row++) {
    const values = decimals(numbersOf(table, row));
    const named = typeof columns === 'string' ? [[columns, values]] : columns.map((name, i) => [name, values[i]]);
    const record = Object.fromEntries([...Object.entries(texts).map(([name, at]) => [name, at(row)]), ...named]);
    yield `${JSON.stringify(record)}\n`;
  }
}

/**
 * A column of text is BYTE_ARRAY (UTF8), one of numbers FLOAT, and a list of numbers LIST of FLOAT, of three levels as the format asks. Numbers
 * are stored plainly: they do not compress.
 */
function* parquetPieces(table: RowTable, numbersInGroup: number): Generator<Uint8Array, void, undefined> {
  const { count } = table;
  const writer = new ByteWriter();
  const file = new ParquetWriter({ writer, schema: schemaOf(table), createdBy: 'simclr-webgpu' });
  const rowGroupSize = Math.max(1, Math.floor(numbersInGroup / widthOf(table)));
  for (let start = 0; start < count; start += rowGroupSize) {
    const rows = Array.from({ length: Math.min(rowGroupSize, count - start) }, (_, i) => start + i);
    file.write({ columnData: columnsOf(table, rows), rowGroupSize });
    yield taken(writer);
  }
  file.finish();
  yield taken(writer);
}

/** What was written since the last call. */
function taken(writer: ByteWriter): Uint8Array {
  const bytes = writer.getBytes().slice();
  writer.index = 0;
  return bytes;
}

function schemaOf({ texts, numbers: { columns } }: RowTable): SchemaElement[] {
  const text = (name: string): SchemaElement => ({
    ...{ name, type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'REQUIRED' },
  });
  const number = (name: string): SchemaElement => ({ name, type: 'FLOAT', repetition_type: 'REQUIRED' });
  const list = (name: string): SchemaElement[] => [
    { name, converted_type: 'LIST', num_children: 1, repetition_type: 'REQUIRED' },
    { name: 'list', num_children: 1, repetition_type: 'REPEATED' },
    number('element'),
  ];
  const ofTexts = Object.keys(texts).map(text);
  const ofNumbers = typeof columns === 'string' ? list(columns) : columns.map(number);
  const children = ofTexts.length + (typeof columns === 'string' ? 1 : columns.length);
  return [{ name: 'schema', num_children: children }, ...ofTexts, ...ofNumbers];
}

function columnsOf(table: RowTable, rows: readonly number[]): ColumnSource[] {
  const { texts, numbers } = table;
  const plain = { encoding: 'PLAIN', codec: 'UNCOMPRESSED', statistics: false } as const;
  const ofRows = rows.map((row) => numbersOf(table, row));
  const { columns } = numbers;
  const ofNumbers =
    typeof columns === 'string'
      ? [{ ...plain, name: columns, data: ofRows.map((values) => [...values]) }]
      : columns.map((name, i) => ({ ...plain, name, data: ofRows.map((values) => values[i]) }));
  return [...Object.entries(texts).map(([name, at]) => ({ name, data: rows.map(at) })), ...ofNumbers];
}
