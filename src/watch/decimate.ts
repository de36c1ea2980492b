/** Long series in few points: charts have no more than so many pixels. */
import type { NumbersTable } from './numbers_table.ts';
import type { Axis, Series } from './wire.ts';

/** What part of an axis is asked for, and in how many points at least (and at most twice as many). */
export interface Window {
  readonly axis: Axis;
  readonly points: number;
  readonly from?: number | undefined;
  readonly to?: number | undefined;
}

/**
 * Where the rows of a table are on an axis; NaN where that is not known.
 * @param perEpoch steps of an epoch
 * @param elapsed asked for the axis of time only
 */
export function places(table: NumbersTable, axis: Axis, perEpoch: number | null, elapsed: () => Elapsed): Float64Array {
  const steps = table.steps.view();
  if (axis === 'step') return steps;
  if (axis === 'time') {
    const clock = elapsed();
    return Float64Array.from(table.times.view(), (time) => clock.at(time));
  }
  const epochs = table.epochs.view();
  return Float64Array.from(steps, (step, row) => (perEpoch ? step / perEpoch : epochs[row]));
}

/** How long a run had been at work at a time: what lies between its end and its resumption is no work. */
export class Elapsed {
  private readonly pauses: { readonly end: number; readonly lost: number }[] = [];
  private readonly start: number;

  /**
   * @param times of its lines, in seconds, ascending
   * @param longest a gap between two lines that is longer, in seconds, is a pause
   */
  constructor(times: Float64Array, longest: number) {
    let before = Number.NaN;
    let start = Number.NaN;
    let lost = 0;
    for (const time of times) {
      if (Number.isNaN(time)) continue;
      if (Number.isNaN(start)) start = time;
      if (time - before > longest) {
        lost += time - before;
        this.pauses.push({ end: time, lost });
      }
      before = time;
    }
    this.start = start;
  }

  /** Seconds of work. */
  at(time: number): number {
    const pause = this.pauses.findLast(({ end }) => end <= time);
    return time - this.start - (pause?.lost ?? 0);
  }
}

/** A gap that is ten times as long as those between lines usually are, and ten minutes at least, is a pause. */
export function longestGap(times: Float64Array): number {
  const gaps = Array.from(times.subarray(1), (time, i) => time - times[i]).filter((gap) => gap > 0);
  gaps.sort((a, b) => a - b);
  return Math.max(600, 10 * (gaps[Math.floor(gaps.length / 2)] ?? 0));
}

/**
 * A column in pieces of as many rows each, a power of two: their means, and between which values they lie. Pieces begin at multiples of
 * their size, so those that are whole stay as they are when lines are added.
 */
export function decimate(xs: Float64Array, values: Float64Array, { points, from, to }: Window): Series {
  const [first, end] = rowsWithin(xs, from, to);
  const size = 2 ** Math.ceil(Math.log2(Math.max(1, (end - first) / points)));
  const x: number[] = [];
  const mean: number[] = [];
  const min: number[] = [];
  const max: number[] = [];
  for (let start = Math.floor(first / size) * size; start < end; start += size) {
    const piece = summary(values, Math.max(first, start), Math.min(end, start + size));
    if (piece.count === 0 || Number.isNaN(xs[piece.last])) continue;
    x.push(short(xs[piece.last]));
    mean.push(short(piece.sum / piece.count));
    min.push(short(piece.min));
    max.push(short(piece.max));
  }
  return size === 1 ? { x, mean, size } : { x, mean, min, max, size };
}

/** Rows [first, end) that lie in a part of the axis, and one on either side, so that lines reach its borders. */
function rowsWithin(
  xs: Float64Array,
  from = Number.NEGATIVE_INFINITY,
  to = Number.POSITIVE_INFINITY,
): [number, number] {
  const first = xs.findIndex((x) => x >= from);
  const end = xs.findLastIndex((x) => x <= to) + 1;
  return [Math.max(0, (first < 0 ? xs.length : first) - 1), Math.min(xs.length, end + 1)];
}

/** Of the values of some rows that are numbers. */
function summary(values: Float64Array, start: number, end: number) {
  const piece = { count: 0, sum: 0, min: Number.POSITIVE_INFINITY, max: Number.NEGATIVE_INFINITY, last: start };
  for (let row = start; row < end; row++) {
    const value = values[row];
    if (Number.isNaN(value)) continue;
    piece.count++;
    piece.sum += value;
    if (value < piece.min) piece.min = value;
    if (value > piece.max) piece.max = value;
    piece.last = row;
  }
  return piece;
}

/** Digits that nobody sees in a chart are not sent. */
const short = (value: number): number => Number(value.toPrecision(7));
