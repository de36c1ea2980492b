/** Bars with their numbers, and whiskers where there are deviations. */

import { decimal } from './numbers.ts';
import { type Axis, axis, type Common, colorOf, defaultSize, frame } from './plot_frame.ts';
import { type Chart, render } from './plot_render.ts';
import { fontFamily, ink, textSize } from './plot_style.ts';

export interface BarChartOptions extends Common {
  readonly x: Axis;
  readonly y: Axis;
  readonly categories: readonly string[];
  /** One bar for each category; `deviations` are drawn as ± around its end, within `yRange`. A single value has none. */
  readonly series: readonly {
    readonly name: string;
    readonly values: readonly number[];
    readonly deviations?: readonly (number | undefined)[];
  }[];
  /** Digits after the point in the number on a bar. Default 1. */
  readonly digits?: number;
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
      barMaxWidth,
      label: {
        show: !deviations,
        position: 'top',
        distance: 5,
        fontSize: textSize.tick,
        color: ink,
        formatter: ({ dataIndex }: { dataIndex: number }) =>
          Number.isFinite(values[dataIndex]) ? decimal(values[dataIndex], digits) : '',
      },
    };
  });
  const whiskers = series.flatMap(({ values, deviations }, i) =>
    deviations ? [whiskerSeries(values, deviations, i, series.length, digits, options.yRange)] : [],
  );
  const xAxis = axis('category', x.label, 'x', { data: [...categories] });
  const yAxis = axis('value', y.label, 'y', range);
  return render({ ...rest, xAxis, yAxis, series: [...bars, ...whiskers] }, size);
}

const barMaxWidth = 90;

interface RenderApi {
  value(dimension: number): number;
  coord(point: readonly number[]): [number, number];
  barLayout(options: object): { offsetCenter: number }[];
}

/**
 * Lines from value − deviation to value + deviation, as far as they lie in the range, over the middle of bar `index` of `count` in
 * each group, and the numbers above. Without a deviation there is the number alone.
 */
function whiskerSeries(
  values: readonly number[],
  deviations: readonly (number | undefined)[],
  index: number,
  count: number,
  digits: number,
  [least, most]: readonly [number, number] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY],
) {
  const renderItem = (_: unknown, api: RenderApi) => {
    const category = api.value(0);
    const value = values[category];
    if (!Number.isFinite(value)) return undefined;
    const deviation = deviations[category];
    const [low, high] = [value - (deviation ?? 0), value + (deviation ?? 0)];
    const pixels = (at: number) => api.coord([category, Math.min(most, Math.max(least, at))]);
    const x = pixels(value)[0] + api.barLayout({ barMaxWidth, count })[index].offsetCenter;
    const [top, bottom] = [pixels(high)[1], pixels(low)[1]];
    const line = (x1: number, y1: number, x2: number, y2: number) => ({
      type: 'line',
      shape: { x1, y1, x2, y2 },
      style: { stroke: ink, lineWidth: 2 },
    });
    // Where the range cuts a whisker off there is no cap: it goes on.
    const cap = (at: number, y: number) => (at < least || at > most ? [] : [line(x - 7, y, x + 7, y)]);
    const whisker = deviation === undefined ? [] : [line(x, top, x, bottom), ...cap(high, top), ...cap(low, bottom)];
    const number = decimal(value, digits);
    const label = {
      type: 'text',
      style: {
        text: deviation === undefined ? number : `${number} ± ${deviation.toFixed(digits)}`,
        ...{ x, y: top - 8, align: 'center', verticalAlign: 'bottom' },
        ...{ fontSize: textSize.tick, fontFamily, fill: ink },
      },
    };
    return { type: 'group', children: [...whisker, label] };
  };
  // Both ends count for the axis, where no range is given.
  const data = values.map((value, i) => [i, value - (deviations[i] ?? 0), value + (deviations[i] ?? 0)]);
  return { type: 'custom', renderItem, data, encode: { x: 0, y: [1, 2] }, silent: true, z: 5 };
}
