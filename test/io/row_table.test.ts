import { parse } from 'csv-parse/sync';
import { parquetMetadata, parquetReadObjects } from 'hyparquet';
import { describe, expect, it } from 'vitest';
import type { RowTable } from '../../src/io/csv_table.ts';
import { type RowTableExtension, rowTablePieces } from '../../src/io/row_table.ts';
import { noise } from '../ops/harness.ts';

const names = ['a.jpg', 'b, with "quotes".jpg', 'c\nd.jpg', 'größe 🙂.jpg'];
const labels = ['cat', 'dog', 'cat', 'a,b'];
const width = 3;
const values = Float32Array.of(...noise(names.length * width - 4, 1), 0.1, -1e-38, 3.4e38, 16777217);
const texts = { file: (row: number) => names[row], label: (row: number) => labels[row] };
const listed: RowTable = { count: names.length, texts, numbers: { values, columns: 'features' } };
const wide: RowTable = { count: names.length, texts, numbers: { values, columns: ['probability', 'p_cat', 'p_file'] } };
const rowOf = (row: number): number[] => Array.from(values.subarray(row * width, (row + 1) * width));

const bytesOf = (extension: RowTableExtension, table: RowTable, numbersInGroup?: number): Buffer =>
  Buffer.concat([...rowTablePieces(extension, table, numbersInGroup)].map((piece) => Buffer.from(piece)));
const bufferOf = (bytes: Buffer): ArrayBuffer => Uint8Array.from(bytes).buffer;

describe('CSV', () => {
  it('a column for each number, which is the same in f32; cells are quoted where they have to be', () => {
    const [header, ...rows] = parse(bytesOf('.csv', listed)) as string[][];
    expect(header).toEqual(['file', 'label', 'f0', 'f1', 'f2']);
    expect(rows.map(([file, label]) => [file, label])).toEqual(names.map((name, i) => [name, labels[i]]));
    rows.forEach((row, i) => expect(row.slice(2).map((cell) => Math.fround(Number(cell)))).toEqual(rowOf(i)));
    expect(rows[2][4]).toBe(String(Number(values[8].toPrecision(9))));
  });

  it('named columns', () => {
    expect((parse(bytesOf('.csv', wide)) as string[][])[0]).toEqual([
      'file',
      'label',
      'probability',
      'p_cat',
      'p_file',
    ]);
  });
});

describe('JSON Lines', () => {
  const records = (table: RowTable) =>
    bytesOf('.jsonl', table)
      .toString('utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));

  it('an object a line, its features a list', () => {
    const read = records(listed);
    expect(read.map(({ file, label }) => [file, label])).toEqual(names.map((name, i) => [name, labels[i]]));
    read.forEach(({ features }, i) => expect(features.map(Math.fround)).toEqual(rowOf(i)));
  });

  it('named numbers', () => {
    expect(Object.keys(records(wide)[0])).toEqual(['file', 'label', 'probability', 'p_cat', 'p_file']);
    expect(records(wide).map(({ p_cat }) => Math.fround(p_cat))).toEqual(names.map((_, i) => values[i * width + 1]));
  });
});

describe('Parquet', () => {
  it('a list of f32 for each row, bit for bit, and texts', async () => {
    const file = bufferOf(bytesOf('.parquet', listed));
    const rows = await parquetReadObjects({ file });
    expect(rows).toEqual(names.map((name, i) => ({ file: name, label: labels[i], features: rowOf(i) })));
    const { schema, created_by } = parquetMetadata(file);
    expect(created_by).toBe('simclr-webgpu');
    expect(schema.map(({ name, type, converted_type }) => [name, type, converted_type])).toEqual([
      ['schema', undefined, undefined],
      ['file', 'BYTE_ARRAY', 'UTF8'],
      ['label', 'BYTE_ARRAY', 'UTF8'],
      ['features', undefined, 'LIST'],
      ['list', undefined, undefined],
      ['element', 'FLOAT', undefined],
    ]);
  });

  it('named columns of f32', async () => {
    const rows = await parquetReadObjects({ file: bufferOf(bytesOf('.parquet', wide)) });
    expect(rows[1]).toEqual({
      file: names[1],
      label: 'dog',
      probability: values[3],
      p_cat: values[4],
      p_file: values[5],
    });
  });

  it('more rows than a group takes', async () => {
    const file = bufferOf(bytesOf('.parquet', listed, 7));
    expect(parquetMetadata(file).row_groups.map(({ num_rows }) => Number(num_rows))).toEqual([2, 2]);
    const [third] = await parquetReadObjects({ file, rowStart: 2, rowEnd: 3 });
    expect(third).toEqual({ file: names[2], label: 'cat', features: rowOf(2) });
    const small = parquetMetadata(bufferOf(bytesOf('.parquet', listed, 1))).row_groups;
    expect(small).toHaveLength(names.length);
  });
});
