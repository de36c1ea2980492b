/** The charts of reports: lines, bars, points. Each is an SVG and a PNG; the library is loaded when the first one is drawn. */

import { type Chart, type ChartSize, render } from './plot_render.ts';
import { dashes, faint, fontFamily, ink, palette, symbols, textSize, textWidth } from './plot_style.ts';

export type { Chart, ChartSize } from './plot_render.ts';

export interface Axis {
  /** What is shown, with its unit: `accuracy / %`. */
  readonly label: string;
}

/** Numbers; one that is not finite leaves a gap. */
export type Point = readonly [x: number, y: number];

interface Common {
  readonly title: string;
  readonly size?: ChartSize;
  /** Lowest and highest value of y; by default what the numbers need. */
  readonly yRange?: readonly [number, number];
}

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

export interface BarChartOptions extends Common {
  readonly x: Axis;
  readonly y: Axis;
  readonly categories: readonly string[];
  /** One bar for each category; `deviations` are drawn as ± around its end. */
  readonly series: readonly {
    readonly name: string;
    readonly values: readonly number[];
    readonly deviations?: readonly number[];
  }[];
  /** Digits after the point in the number on a bar. Default 1. */
  readonly digits?: number;
}

export interface ScatterChartOptions extends Common {
  readonly x?: Axis;
  readonly y?: Axis;
  readonly groups: readonly { readonly name: string; readonly points: readonly Point[] }[];
}

const defaultSize: ChartSize = { width: 860, height: 520 };

const hasLegend = (names: readonly string[]) => names.length > 1;

/** What charts share: title, legend below it, axes with their labels. */
function frame({ title, yRange }: Common, names: readonly string[], { width }: ChartSize, itemWidth = 14) {
  const gaps = itemWidth + 24;
  const lines = names.reduce(
    ({ count, used }, name) => {
      const next = textWidth(name, textSize.legend) + gaps;
      return used + next > width - 60 ? { count: count + 1, used: next } : { count, used: used + next };
    },
    { count: 1, used: 0 },
  ).count;
  const top = 58 + (hasLegend(names) ? lines * 26 : 0);
  return {
    textStyle: { fontFamily, color: ink },
    title: { text: title, left: 'center', top: 12, textStyle: { fontSize: textSize.title, color: ink } },
    ...(hasLegend(names) && {
      legend: {
        data: [...names],
        top: 48,
        itemGap: 18,
        itemWidth,
        textStyle: { fontSize: textSize.legend, color: ink },
      },
    }),
    grid: { left: 30, right: 36, top: top, bottom: 16, outerBoundsMode: 'same', outerBoundsContain: 'all' },
    ...(yRange && { range: { min: yRange[0], max: yRange[1] } }),
  };
}

function axis(label: string, place: 'x' | 'y', range: object = {}) {
  return {
    name: label,
    nameLocation: 'middle',
    nameGap: place === 'x' ? 34 : 58,
    nameTextStyle: { fontSize: textSize.axis, color: ink },
    axisLabel: { fontSize: textSize.tick, color: ink, hideOverlap: true },
    axisLine: { show: true, onZero: false, lineStyle: { color: ink } },
    axisTick: { show: true, lineStyle: { color: ink } },
    splitLine: { show: place === 'y', lineStyle: { color: faint } },
    ...range,
  };
}

const colorOf = (i: number): string => palette[i % palette.length];
const finite = ([x, y]: Point) => [x, Number.isFinite(y) ? y : '-'];

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
  const xAxis = { type: 'value', ...axis(x.label, 'x', { ...ends, ...whole }) };
  return render(
    { ...rest, xAxis, yAxis: { type: 'value', scale: true, ...axis(y.label, 'y', range) }, series: lines },
    size,
  );
}

/** Bars in groups, with their values above them, or above their whiskers. */
export function barChart(options: BarChartOptions): Promise<Chart> {
  const { x, y, categories, series, digits = 1, size = defaultSize } = options;
  const { range, ...rest } = frame(
    options,
    series.map(({ name }) => name),
    size,
  );
  const bars = series.map(({ name, values, deviations }, i) => {
    return {
      type: 'bar',
      name,
      data: values.map((value) => (Number.isFinite(value) ? value : '-')),
      color: colorOf(i),
      barMaxWidth: 90,
      label: {
        show: !deviations,
        position: 'top',
        distance: 5,
        fontSize: textSize.tick,
        color: ink,
        formatter: ({ dataIndex }: { dataIndex: number }) =>
          Number.isFinite(values[dataIndex]) ? values[dataIndex].toFixed(digits) : '',
      },
    };
  });
  const whiskers = series.flatMap(({ values, deviations }, i) =>
    deviations ? [whiskerSeries(values, deviations, i, series.length, digits)] : [],
  );
  const xAxis = { type: 'category', data: [...categories], ...axis(x.label, 'x') };
  const yAxis = { type: 'value', ...axis(y.label, 'y', range) };
  return render({ ...rest, xAxis, yAxis, series: [...bars, ...whiskers] }, size);
}

interface RenderApi {
  value(dimension: number): number;
  coord(point: readonly number[]): [number, number];
  barLayout(options: object): { offsetCenter: number }[];
}

/** Lines from value − deviation to value + deviation over the middle of bar `index` of `count` in each group, and the numbers above. */
function whiskerSeries(
  values: readonly number[],
  deviations: readonly number[],
  index: number,
  count: number,
  digits: number,
) {
  const cap = 7;
  const renderItem = (_: unknown, api: RenderApi) => {
    const category = api.value(0);
    if (!Number.isFinite(values[category])) return undefined;
    const offset = api.barLayout({ barMaxWidth: 90, count })[index].offsetCenter;
    const [middle, top] = api.coord([category, api.value(2)]);
    const [, bottom] = api.coord([category, api.value(1)]);
    const x = middle + offset;
    const line = (x1: number, y1: number, x2: number, y2: number) => ({
      type: 'line',
      shape: { x1, y1, x2, y2 },
      style: { stroke: ink, lineWidth: 2 },
    });
    const caps = [top, bottom].map((at) => line(x - cap, at, x + cap, at));
    const label = {
      type: 'text',
      style: {
        text: `${values[category].toFixed(digits)} ± ${deviations[category].toFixed(digits)}`,
        ...{ x, y: top - 8, align: 'center', verticalAlign: 'bottom' },
        ...{ fontSize: textSize.tick, fontFamily, fill: ink },
      },
    };
    return { type: 'group', children: [line(x, top, x, bottom), ...caps, label] };
  };
  const data = values.map((value, i) => [i, value - deviations[i], value + deviations[i]]);
  return { type: 'custom', renderItem, data, silent: true, z: 5 };
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
    type: 'value',
    scale: true,
    ...axis(given?.label ?? '', place, extra),
    ...(!given && bare),
  });
  return render({ ...rest, xAxis: axisOf(x, 'x'), yAxis: axisOf(y, 'y', range), series }, size);
}
