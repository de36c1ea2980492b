/** Bars with their numbers, and whiskers where there are deviations. */

import { decimal } from './numbers.ts';
import { type Axis, axis, axisLabel, type Common, colorOf, defaultSize, frame } from './plot_frame.ts';
import { type Chart, type ChartSize, render } from './plot_render.ts';
import { fontFamily, ink, textSize, textWidth } from './plot_style.ts';

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

/** Bars in groups, with their values above them, or above their whiskers. Many bars make the chart wider; see `layOut`. */
export function barChart(options: BarChartOptions): Promise<Chart> {
  const { x, y, categories, series, digits = 1 } = options;
  const layout = layOut(options);
  const { range, grid, ...rest } = frame(
    options,
    series.map(({ name }) => name),
    layout.size,
  );
  const bars = series.map(({ name, values }, i) => ({
    type: 'bar',
    name,
    data: values.map((value) => (Number.isFinite(value) ? value : '-')),
    color: colorOf(i),
    barMaxWidth,
  }));
  const ends = series.map(({ values, deviations }, i) => {
    const texts = values.map((value, k) => numberOf(value, deviations?.[k], digits));
    return endSeries(values, deviations, texts, { index: i, count: series.length, layout, range: options.yRange });
  });
  const xAxis = axis('category', x.label, 'x', { data: [...categories], ...layout.names });
  const yAxis = axis('value', y.label, 'y', range);
  const roomy = { ...grid, top: grid.top + (layout.numbers === 'two lines' ? lineHeight : 0) };
  return render({ ...rest, grid: roomy, xAxis, yAxis, series: [...bars, ...ends] }, layout.size);
}

const barMaxWidth = 90;
const lineHeight = 17;
/** Of a chart's width: its axis of y and its margins. */
const besides = 110;
/** Room for a bar, of its share of the group's width. */
const filled = 0.8;
const widest = 2000;

/** `50.3 ± 1.5`, in its parts. */
const numberOf = (value: number, deviation: number | undefined, digits: number): string[] => [
  decimal(value, digits),
  ...(deviation === undefined ? [] : [`± ${decimal(deviation, digits)}`]),
];

interface Layout {
  readonly size: ChartSize;
  /** How the numbers stand on the bars, or that there is no room for them. */
  readonly numbers: 'one line' | 'two lines' | 'none';
  /** How all names of categories find room on the axis. */
  readonly names: object;
}

/**
 * Finds room: numbers with deviations go on two lines where bars are narrow, the chart becomes as wide as the numbers need, and names
 * are turned where they are long. Too many bars have no numbers, too many names are left out in turn.
 */
function layOut({ categories, series, digits = 1, size = defaultSize }: BarChartOptions): Layout {
  const groups = Math.max(1, categories.length);
  const numbers = series.flatMap(({ values, deviations }) =>
    values.map((value, i) => numberOf(value, deviations?.[i], digits)),
  );
  const widthOf = (texts: readonly string[]) => Math.max(0, ...texts.map((text) => textWidth(text, textSize.tick))) + 8;
  const widthFor = (number: number) => (series.length === 1 ? number : (number * series.length) / filled) * groups;
  const one = widthFor(widthOf(numbers.map((parts) => parts.join(' ')))) + besides;
  const two = widthFor(widthOf(numbers.flat())) + besides;
  const whole = Math.max(size.width, Math.min(widest, Math.ceil(one <= size.width ? one : two)));
  const pitch = (whole - besides) / groups;
  const longest = widthOf(categories);
  const turned = longest > pitch && pitch > textSize.tick + 2;
  const nameGap = 34 + (turned ? Math.ceil(longest * Math.sin(Math.PI / 6)) : 0);
  const all = { interval: 0, hideOverlap: false, ...(turned && { rotate: 30 }) };
  return {
    size: { width: whole, height: size.height + nameGap - 34 },
    numbers: one <= whole ? 'one line' : two <= whole ? 'two lines' : 'none',
    names: { nameGap, ...((turned || longest <= pitch) && { axisLabel: { ...axisLabel, ...all } }) },
  };
}

interface RenderApi {
  value(dimension: number): number;
  coord(point: readonly number[]): [number, number];
  barLayout(options: object): { offsetCenter: number }[];
}

interface Place {
  /** Which bar of each group, of how many. */
  readonly index: number;
  readonly count: number;
  readonly layout: Layout;
  readonly range: readonly [number, number] | undefined;
}

/**
 * What stands at the ends of the bars: lines from value − deviation to value + deviation, as far as they lie in the range, and the
 * numbers above. Without a deviation there is the number alone.
 */
function endSeries(
  values: readonly number[],
  deviations: readonly (number | undefined)[] | undefined,
  texts: readonly (readonly string[])[],
  { index, count, layout, range = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY] }: Place,
) {
  const [least, most] = range;
  const renderItem = (_: unknown, api: RenderApi) => {
    const category = api.value(0);
    const value = values[category];
    if (!Number.isFinite(value)) return undefined;
    const deviation = deviations?.[category];
    const [low, high] = [value - (deviation ?? 0), value + (deviation ?? 0)];
    const pixels = (at: number) => api.coord([category, Math.min(most, Math.max(least, at))]);
    const x = pixels(value)[0] + api.barLayout({ barMaxWidth, count })[index].offsetCenter;
    const line = (x1: number, y1: number, x2: number, y2: number) => ({
      type: 'line',
      shape: { x1, y1, x2, y2 },
      style: { stroke: ink, lineWidth: 2 },
    });
    // Where the range cuts a whisker off there is no cap: it goes on.
    const cap = (at: number, y: number) => (at < least || at > most ? [] : [line(x - 7, y, x + 7, y)]);
    const [top, bottom] = [pixels(high)[1], pixels(low)[1]];
    const whisker = deviation === undefined ? [] : [line(x, top, x, bottom), ...cap(high, top), ...cap(low, bottom)];
    const label = {
      type: 'text',
      style: {
        text: texts[category].join(layout.numbers === 'one line' ? ' ' : '\n'),
        // Over a bar that hangs below zero the number stands on the line of zero.
        ...{ x, y: pixels(Math.max(0, high))[1] - (deviation === undefined ? 5 : 8), align: 'center' },
        verticalAlign: 'bottom',
        ...{ fontSize: textSize.tick, lineHeight, fontFamily, fill: ink },
      },
    };
    return { type: 'group', children: [...whisker, ...(layout.numbers === 'none' ? [] : [label])] };
  };
  // Both ends count for the axis, where no range is given.
  const data = values.map((value, i) => [i, value - (deviations?.[i] ?? 0), value + (deviations?.[i] ?? 0)]);
  return { type: 'custom', renderItem, data, encode: { x: 0, y: [1, 2] }, silent: true, z: 5 };
}
