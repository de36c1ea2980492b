/** Tables of rows that have texts and numbers, and the format of them that needs no package. */
import { csvLine } from './csv.ts';

/** A table of `count` rows. */
export interface RowTable {
  readonly count: number;
  /** Columns of text, by name. */
  readonly texts: Readonly<Record<string, (row: number) => string>>;
  readonly numbers: {
    /** [count, width], row by row. */
    readonly values: Float32Array;
    /** Names of the columns; or one name of all: then they are a list in JSON Lines and Parquet, and `f0`, `f1`, … in CSV. */
    readonly columns: readonly string[] | string;
  };
}

export const widthOf = ({ count, numbers: { values } }: RowTable): number => values.length / count;

/** The numbers of a row. */
export const numbersOf = (table: RowTable, row: number): Float32Array =>
  table.numbers.values.subarray(row * widthOf(table), (row + 1) * widthOf(table));

/** Decimals that no two numbers of f32 share: `0.1`, not `0.10000000149011612`. */
export const decimals = (values: Float32Array): number[] => Array.from(values, (value) => Number(value.toPrecision(9)));

/** The table as CSV, row by row. */
export function* csvPieces(table: RowTable): Generator<string, void, undefined> {
  const { count, texts, numbers } = table;
  const { columns } = numbers;
  const names = typeof columns === 'string' ? Array.from({ length: widthOf(table) }, (_, i) => `f${i}`) : columns;
  yield csvLine([...Object.keys(texts), ...names]);
  const textAt = Object.values(texts);
  for (let row = 0; row < count; row++)
    yield csvLine([...textAt.map((at) => at(row)), ...decimals(numbersOf(table, row))]);
}
