/** The numbers of a run in columns: lines are added while it goes on, and dropped again where it repeats steps. */

/** Doubles one after another, in a buffer that grows by half. */
class Doubles {
  private data = new Float64Array(64);
  length = 0;

  push(value: number): void {
    if (this.length === this.data.length) {
      const larger = new Float64Array(Math.ceil(this.length * 1.5));
      larger.set(this.data);
      this.data = larger;
    }
    this.data[this.length++] = value;
  }

  at(row: number): number {
    return this.data[row];
  }

  view(): Float64Array {
    return this.data.subarray(0, this.length);
  }
}

/** Names in a line that are no measured numbers. */
const counters = new Set(['type', 'step', 'epoch', 'epochs', 'time', 'batchSize']);

/** Rows of lines in the order of their steps; a number that a row has not is NaN. */
export class NumbersTable {
  readonly steps = new Doubles();
  /** In passes over the data, the one under way counted. */
  readonly epochs = new Doubles();
  /** Seconds since 1970; NaN in runs of versions that did not log it. */
  readonly times = new Doubles();
  private readonly columns = new Map<string, Doubles>();

  get rows(): number {
    return this.steps.length;
  }

  get names(): string[] {
    return [...this.columns.keys()];
  }

  column(name: string): Float64Array | undefined {
    const column = this.columns.get(name);
    if (!column) return undefined;
    fill(column, this.rows);
    return column.view();
  }

  /** The newest value of a number; undefined: none is known. */
  last(name: string): number | undefined {
    const column = this.column(name);
    const row = column?.findLastIndex((value) => !Number.isNaN(value)) ?? -1;
    return row < 0 ? undefined : column![row];
  }

  /** Adds a line. Steps that were logged before, and are logged again, replace what was logged of them and of all behind them. */
  add(record: Readonly<Record<string, unknown>>): void {
    const step = Number(record['step']);
    this.dropFrom(step);
    const row = this.rows;
    this.steps.push(step);
    this.epochs.push(numberOr(record['epoch'], Number.NaN));
    this.times.push(numberOr(record['time'], Number.NaN));
    for (const name in record) {
      if (counters.has(name)) continue;
      const value = record[name];
      if (typeof value === 'number') this.put(name, row, value);
      else if (typeof value === 'object') this.putAll(name, row, value);
    }
  }

  /** The numbers of an object in a line (`lossScale`), as `lossScale.scale`. */
  private putAll(prefix: string, row: number, values: object | null): void {
    for (const [key, value] of Object.entries(values ?? {}))
      if (typeof value === 'number') this.put(`${prefix}.${key}`, row, value);
  }

  private put(name: string, row: number, value: number): void {
    let column = this.columns.get(name);
    if (!column) this.columns.set(name, (column = new Doubles()));
    fill(column, row);
    column.push(value);
  }

  /** Drops the rows of this step and of later ones. */
  dropFrom(step: number): void {
    let rows = this.rows;
    while (rows > 0 && this.steps.at(rows - 1) >= step) rows--;
    if (rows === this.rows) return;
    for (const column of [this.steps, this.epochs, this.times, ...this.columns.values()])
      column.length = Math.min(column.length, rows);
  }
}

function fill(column: Doubles, rows: number): void {
  while (column.length < rows) column.push(Number.NaN);
}

const numberOr = (value: unknown, otherwise: number): number => (typeof value === 'number' ? value : otherwise);
