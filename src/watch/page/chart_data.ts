/** The data of a chart as uPlot takes them: one axis of x for all runs, and columns that have values at some of its places. */
import uPlot from 'uplot';
import type { Series } from '../wire.ts';
import { smoothed } from './smoothing.ts';

/** One run's curve. */
export interface Curve {
  readonly id: string;
  readonly name: string;
  /** As the style sheet names it. */
  readonly color: string;
  readonly dash: number[];
  readonly series: Series;
}

/** A curve with as few points is shown as it is: there is nothing to smooth. */
const fewPoints = 25;

/** Bands of more curves than this would cover each other. */
const mostBands = 4;

/** What is drawn of a curve. */
export interface Drawn {
  readonly curve: Curve;
  /** Points of the curve, smoothed where that was asked for. */
  readonly values: readonly number[];
  /** The values behind a smoothed curve, or the range of those that a point stands for. */
  readonly hasRaw: boolean;
  readonly hasBand: boolean;
  readonly isSparse: boolean;
}

/** @param curves how many there are in the chart */
export function drawnOf(curve: Curve, smoothing: number, curves: number): Drawn {
  const { mean, min, size, x } = curve.series;
  const isSparse = x.length < fewPoints;
  const weight = isSparse ? 0 : smoothing;
  return {
    curve,
    values: smoothed(mean, weight, size),
    hasRaw: weight > 0 && min === undefined,
    hasBand: min !== undefined && curves <= mostBands,
    isSparse,
  };
}

/** Columns of a curve in the order in which they are drawn: what is behind it first. */
const columnsOf = ({ curve: { series }, values, hasRaw, hasBand }: Drawn): readonly (readonly number[])[] => [
  ...(hasBand ? [series.max!, series.min!] : []),
  ...(hasRaw ? [series.mean] : []),
  values,
];

/**
 * All curves on one axis of x. Between its own points a curve has none, and is drawn through.
 * @param positive values that have no logarithm are left out
 */
export function alignedData(drawn: readonly Drawn[], positive: boolean): uPlot.AlignedData {
  if (drawn.length === 0) return [[]];
  const shown = (values: readonly number[]) =>
    positive ? values.map((value) => (value > 0 ? value : null)) : [...values];
  const tables = drawn.map(
    (one): uPlot.AlignedData => [[...one.curve.series.x], ...columnsOf(one).map(shown)] as uPlot.AlignedData,
  );
  return tables.length === 1 ? tables[0] : uPlot.join(tables);
}

/** The place of the point that is nearest to x. */
export function nearestPlace(xs: readonly number[], x: number): number {
  let low = 0;
  let high = xs.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (xs[middle] < x) low = middle;
    else high = middle;
  }
  return Math.abs(xs[high] - x) < Math.abs(xs[low] - x) ? high : low;
}
