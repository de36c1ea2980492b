/** The charts of reports: lines, bars, points. Each is an SVG and a PNG; the library is loaded when the first one is drawn. */

import { type Axis, axis, type Common, colorOf, defaultSize, finite, frame, type Point } from './plot_frame.ts';
import { type Chart, render } from './plot_render.ts';
import { dashes, fontFamily, ink, palette, symbols, textSize } from './plot_style.ts';
import { tickedAt, wholeTicks } from './plot_ticks.ts';

export { type BarChartOptions, barChart } from './plot_bars.ts';
export type { Axis, Point } from './plot_frame.ts';
export type { Chart, ChartSize } from './plot_render.ts';
export { type ScatterChartOptions, scatterChart } from './plot_scatter.ts';

export interface LineChartOptions extends Common {
  /** Whole numbers are ticked at round ones. With `logarithmic` every point's x, which must be positive, has a tick. */
  readonly x: Axis & { readonly logarithmic?: boolean };
  readonly y: Axis;
  readonly series: readonly {
    readonly name: string;
    readonly points: readonly Point[];
    readonly dashed?: boolean;
    /** Number of the colour; by default that of the series. Equal for what belongs together, such as train and test. */
    readonly color?: number;
  }[];
  /** A horizontal line with its name, such as the accuracy of guessing. */
  readonly reference?: { readonly name: string; readonly y: number };
}

/** Curves over a common x, with a mark on each point where they are few. */
export function lineChart(options: LineChartOptions): Promise<Chart> {
  const { x, y, series, reference, size = defaultSize } = options;
  const { range, ...rest } = frame(
    options,
    series.map(({ name }) => name),
    size,
    44,
  );
  const xs = series.flatMap(({ points }) => points.map(([at]) => at));
  const markLine = reference && {
    silent: true,
    symbol: 'none',
    lineStyle: { color: ink, type: [2, 4], width: 1.5 },
    // The halo keeps lines of the grid out of the letters.
    label: {
      ...{ formatter: reference.name, position: 'insideEndTop', fontSize: textSize.tick, color: ink, fontFamily },
      ...{ textBorderColor: '#ffffff', textBorderWidth: 3 },
    },
    data: [{ yAxis: reference.y }],
  };
  const lines = series.map(({ name, points, dashed, color }, i) => ({
    type: 'line',
    name,
    data: points.map(finite),
    showSymbol: points.length <= 40,
    symbol: symbols[(color ?? i) % symbols.length],
    symbolSize: 7,
    color: colorOf(color ?? i),
    lineStyle: { width: 2.5, type: dashed ? dashes[1] : dashes[Math.floor(i / palette.length) % dashes.length] },
    ...(i === 0 && markLine && { markLine }),
  }));
  // The library takes ranges from series only, and drops a line of reference that is outside: a single point, not drawn, widens them.
  const widens = {
    type: 'line',
    data: reference && xs.length > 0 ? [[xs[0], reference.y]] : [],
    showSymbol: false,
    silent: true,
  };
  const xAxis = axis(x.logarithmic ? 'log' : 'value', x.label, 'x', horizontal(xs, x.logarithmic));
  return render(
    { ...rest, xAxis, yAxis: axis('value', y.label, 'y', { scale: true, ...range }), series: [...lines, widens] },
    size,
  );
}

/** From the first to the last x, with ticks that are worth reading: the library's own go by threes, or by powers of ten. */
function horizontal(xs: readonly number[], logarithmic = false): object {
  if (xs.length === 0) return {};
  const [first, last] = [Math.min(...xs), Math.max(...xs)];
  // A single point stands in the middle.
  const around = logarithmic ? { min: first / 2, max: 2 * first } : { min: first - 1, max: first + 1 };
  const ends = first === last ? around : { min: first, max: last };
  if (!logarithmic && !xs.every(Number.isInteger)) return ends;
  return { ...ends, ...tickedAt(logarithmic ? [...new Set(xs)] : wholeTicks(first, last), 'x') };
}
