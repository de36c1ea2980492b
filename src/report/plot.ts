/** The charts of reports: lines, bars, points. Each is an SVG and a PNG; the library is loaded when the first one is drawn. */

import { type Axis, axis, type Common, colorOf, defaultSize, finite, frame, type Point } from './plot_frame.ts';
import { type Chart, render } from './plot_render.ts';
import { dashes, fontFamily, ink, palette, symbols, textSize } from './plot_style.ts';

export { type BarChartOptions, barChart } from './plot_bars.ts';
export type { Axis, Point } from './plot_frame.ts';
export type { Chart, ChartSize } from './plot_render.ts';

export interface LineChartOptions extends Common {
  readonly x: Axis;
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

export interface ScatterChartOptions extends Common {
  readonly x?: Axis;
  readonly y?: Axis;
  readonly groups: readonly { readonly name: string; readonly points: readonly Point[] }[];
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
  const ends = xs.length > 0 ? { min: Math.min(...xs), max: Math.max(...xs) } : {};
  const whole = xs.every(Number.isInteger) && { minInterval: 1 };
  const markLine = reference && {
    silent: true,
    symbol: 'none',
    lineStyle: { color: ink, type: [2, 4], width: 1.5 },
    label: { formatter: reference.name, position: 'insideEndTop', fontSize: textSize.tick, color: ink, fontFamily },
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
  const xAxis = axis('value', x.label, 'x', { ...ends, ...whole });
  return render({ ...rest, xAxis, yAxis: axis('value', y.label, 'y', { scale: true, ...range }), series: lines }, size);
}

/** Points in groups that differ in colour and shape. Without labels, the axes have no scale: only distances mean something. */
export function scatterChart(options: ScatterChartOptions): Promise<Chart> {
  const { x, y, groups, size = { width: 860, height: 760 } } = options;
  const { range, ...rest } = frame(
    options,
    groups.map(({ name }) => name),
    size,
  );
  const count = groups.reduce((sum, { points }) => sum + points.length, 0);
  const symbolSize = count > 4000 ? 4 : count > 1000 ? 6 : 8;
  const series = groups.map(({ name, points }, i) => ({
    type: 'scatter',
    name,
    data: points.map(finite),
    symbol: symbols[(i + Math.floor(i / palette.length)) % symbols.length],
    symbolSize,
    itemStyle: { color: colorOf(i), opacity: 0.75 },
  }));
  const bare = {
    axisLine: { show: false },
    axisLabel: { show: false },
    axisTick: { show: false },
    splitLine: { show: false },
  };
  const axisOf = (given: Axis | undefined, place: 'x' | 'y', extra: object = {}) => ({
    ...axis('value', given?.label ?? '', place, { scale: true, ...extra }),
    ...(!given && bare),
  });
  return render({ ...rest, xAxis: axisOf(x, 'x'), yAxis: axisOf(y, 'y', range), series }, size);
}
