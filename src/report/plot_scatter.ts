/** Points in the plane, in groups: maps such as t-SNE's. */

import { type Axis, axis, type Common, colorOf, finite, frame, type Point } from './plot_frame.ts';
import { type Chart, render } from './plot_render.ts';
import { palette, symbols } from './plot_style.ts';
import { roundStep, roundTicks, tickedAt } from './plot_ticks.ts';

export interface ScatterChartOptions extends Pick<Common, 'title'> {
  readonly x: Axis;
  readonly y: Axis;
  readonly groups: readonly { readonly name: string; readonly points: readonly Point[] }[];
}

const width = 860;
/** Room for the labels of the axes beside the points. */
const room = { left: 92, right: 36, bottom: 62 } as const;

/**
 * Points in groups that differ in colour and shape; shapes are hollow where the colours begin anew. A unit is as long across as it is
 * up; the chart is as high as that needs.
 */
export function scatterChart({ title, x, y, groups }: ScatterChartOptions): Promise<Chart> {
  const points = groups.flatMap((group) => group.points.filter((point) => point.every(Number.isFinite)));
  const symbolSize = points.length > 4000 ? 4 : points.length > 1000 ? 6 : 8;
  const series = groups.map((group, i) => ({
    type: 'scatter',
    name: group.name,
    data: group.points.map(finite),
    symbol: symbolOf(i),
    symbolSize,
    itemStyle: { color: colorOf(i), opacity: 0.75 },
  }));
  const plotWidth = width - room.left - room.right;
  const { across, up, shape } = equalRanges(points);
  const plotHeight = Math.round(plotWidth * shape);
  const names = groups.map(({ name }) => name);
  const { grid, ...rest } = frame({ title }, names, { width, height: 0 });
  const step = roundStep(Math.max(across.max - across.min, up.max - up.min));
  const axisOf = ({ label }: Axis, place: 'x' | 'y', { min, max }: Range) =>
    axis('value', label, place, { min, max, ...tickedAt(roundTicks(min, max, step), place) });
  const option = {
    ...rest,
    // The place of the plot itself, without its labels.
    grid: { ...room, top: grid.top, outerBoundsMode: 'none' },
    ...{ xAxis: axisOf(x, 'x', across), yAxis: axisOf(y, 'y', up) },
    series,
  };
  return render(option, { width, height: grid.top + plotHeight + room.bottom });
}

interface Range {
  readonly min: number;
  readonly max: number;
}

/** Ranges in which all points lie, about their middle; `shape`: height of such a plot for its width, from 0.6 to 1.1. */
function equalRanges(points: readonly Point[]): { across: Range; up: Range; shape: number } {
  const middleAndReach = (c: 0 | 1) => {
    const values = points.length > 0 ? points.map((point) => point[c]) : [0];
    const [low, high] = [values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))];
    return { middle: (low + high) / 2, reach: (high - low) / 2 };
  };
  const [x, y] = [middleAndReach(0), middleAndReach(1)];
  const shape = Math.min(1.1, Math.max(0.6, y.reach / x.reach || 1));
  const reach = 1.06 * (Math.max(x.reach, y.reach / shape) || 1);
  const about = (middle: number, by: number) => ({ min: middle - by, max: middle + by });
  return { across: about(x.middle, reach), up: about(y.middle, reach * shape), shape };
}

/** Of the group with that number: a shape, and hollow in the second round of the colours, the fourth and so on. */
function symbolOf(i: number): string {
  const round = Math.floor(i / palette.length);
  const shape = symbols[(i + round) % symbols.length];
  return round % 2 === 0 ? shape : `empty${shape[0].toUpperCase()}${shape.slice(1)}`;
}
