/** What charts share: title, legend, axes with their labels and ticks. */

import type { ChartSize } from './plot_render.ts';
import { faint, fittingSize, fontFamily, ink, palette, textSize, textWidth } from './plot_style.ts';

export interface Axis {
  /** What is shown, with its unit: `accuracy / %`. */
  readonly label: string;
}

/** Numbers; one that is not finite leaves a gap. */
export type Point = readonly [x: number, y: number];

export interface Common {
  readonly title: string;
  readonly size?: ChartSize;
  /** Lowest and highest value of y; by default what the numbers need. */
  readonly yRange?: readonly [number, number];
}

export const defaultSize: ChartSize = { width: 860, height: 520 };

const hasLegend = (names: readonly string[]) => names.length > 1;

/** What charts share: title, legend below it, axes with their labels. */
export function frame({ title, yRange }: Common, names: readonly string[], { width }: ChartSize, itemWidth = 14) {
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
    title: {
      ...{ text: title, left: 'center', top: 12 },
      textStyle: { fontSize: fittingSize(title, textSize.title, width - 16), color: ink },
    },
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

/** At most ten digits after the point, a comma between thousands, a true minus sign. */
export const tick = (value: number): string =>
  value.toLocaleString('en-US', { maximumFractionDigits: 10 }).replace('-', '−');

/** How ticks are written. */
export const axisLabel = { fontSize: textSize.tick, color: ink, hideOverlap: true } as const;

/** Lines of the grid: across only. */
export const splitLine = (place: 'x' | 'y') => ({ show: place === 'y', lineStyle: { color: faint } });

/** Marks at the axis. */
export const axisTick = { show: true, lineStyle: { color: ink } } as const;

export function axis(type: 'value' | 'log' | 'category', label: string, place: 'x' | 'y', range: object = {}) {
  return {
    type,
    name: label,
    nameLocation: 'middle',
    nameGap: place === 'x' ? 34 : 58,
    nameTextStyle: { fontSize: textSize.axis, color: ink },
    axisLabel: { ...axisLabel, ...(type !== 'category' && { formatter: tick }) },
    axisLine: { show: true, onZero: false, lineStyle: { color: ink } },
    axisTick,
    splitLine: splitLine(place),
    ...range,
  };
}

export const colorOf = (i: number): string => palette[i % palette.length];
export const finite = ([x, y]: Point) => [x, Number.isFinite(y) ? y : '-'];
