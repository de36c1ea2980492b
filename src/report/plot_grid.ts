/** Several charts as one figure, and maps beside each other. */
import type { Chart, ChartSize } from './plot_render.ts';
import { fittingSize, palette, symbols, textSize, textWidth } from './plot_style.ts';
import { figure, round, text } from './plot_svg.ts';

const margin = 16;
const gap = 12;

/** Charts of one size in rows. Each keeps its own scales. */
export function chartGrid(charts: readonly Chart[], { width, height }: ChartSize, columns: number): Promise<Chart> {
  const across = Math.min(columns, charts.length);
  const parts = charts.map(({ svg }, i) => {
    const [x, y] = [(i % across) * (width + gap), Math.floor(i / across) * (height + gap)];
    // Charts count what they clip from 0, each for itself.
    return svg.replaceAll('zr-', `zr${i}-`).replace('<svg ', `<svg x="${x}" y="${y}" `);
  });
  const down = Math.ceil(charts.length / across);
  return figure(across * (width + gap) - gap, down * (height + gap) - gap, parts);
}

export interface PointMap {
  readonly title: string;
  /** Pairs of coordinates. */
  readonly points: readonly (readonly [x: number, y: number])[];
}

/** Side of a map's square. */
const side = 270;
const pointSize = 3.2;

/**
 * Maps of the same points side by side, coloured by their groups. What such a map's axes measure has no meaning, so there are none: each
 * fills its square.
 * @param groups the group of each point; none: all are of one
 * @param names of the groups, for the legend
 */
export function pointMaps(
  title: string,
  maps: readonly PointMap[],
  groups: readonly number[],
  names: readonly string[],
  columns = 3,
): Promise<Chart> {
  const across = Math.min(columns, maps.length);
  const width =
    Math.max(across * (side + gap) - gap, Math.min(560, textWidth(title, textSize.title) * 1.1)) + 2 * margin;
  const parts = [
    text(width / 2, margin + textSize.title, title, { size: textSize.title, anchor: 'middle', bold: true }),
  ];
  let top = margin + textSize.title + 20;
  const legend = groups.length > 0 ? legendOf(names, width, top) : { parts: [], height: 0 };
  parts.push(...legend.parts);
  top += legend.height;
  maps.forEach((map, i) => {
    const x = margin + (i % across) * (side + gap);
    const y = top + Math.floor(i / across) * (side + gap + 24);
    const size = fittingSize(map.title, textSize.tick, side);
    parts.push(text(x + side / 2, y + 14, map.title, { size, anchor: 'middle' }));
    parts.push(
      `<rect x="${x}" y="${y + 22}" width="${side}" height="${side}" fill="none" stroke="#bbbbbb"/>`,
      ...inSquare(map.points).map(([px, py], k) => mark(x + px, y + 22 + py, groups[k] ?? 0)),
    );
  });
  return figure(width, top + Math.ceil(maps.length / across) * (side + gap + 24) + margin - gap, parts);
}

/** Coordinates within a square, a unit as long across as down. */
function inSquare(points: PointMap['points']): [number, number][] {
  const middleAndReach = (c: 0 | 1) => {
    const values = points.map((point) => point[c]);
    const [low, high] = [
      values.reduce((a, b) => Math.min(a, b), Infinity),
      values.reduce((a, b) => Math.max(a, b), -Infinity),
    ];
    return { middle: (low + high) / 2, reach: (high - low) / 2 };
  };
  const [x, y] = [middleAndReach(0), middleAndReach(1)];
  const scale = (side / 2 - 10) / (Math.max(x.reach, y.reach) || 1);
  return points.map(([px, py]) => [side / 2 + (px - x.middle) * scale, side / 2 - (py - y.middle) * scale]);
}

/** A point of a group: a colour, and from the second round of the colours on another shape. */
function mark(x: number, y: number, group: number): string {
  const color = palette[group % palette.length];
  const style = `fill="${color}" fill-opacity="0.75"`;
  const shape = symbols[Math.floor(group / palette.length) % symbols.length];
  const [at, r] = [[round(x), round(y)] as const, pointSize];
  switch (shape) {
    case 'circle':
      return `<circle cx="${at[0]}" cy="${at[1]}" r="${r}" ${style}/>`;
    case 'rect':
      return `<rect x="${round(x - r)}" y="${round(y - r)}" width="${2 * r}" height="${2 * r}" ${style}/>`;
    case 'triangle':
      return `<path d="M${at[0]} ${round(y - 1.3 * r)}l${1.2 * r} ${2.2 * r}h${-2.4 * r}z" ${style}/>`;
    case 'diamond':
      return `<path d="M${at[0]} ${round(y - 1.4 * r)}l${1.4 * r} ${1.4 * r}l${-1.4 * r} ${1.4 * r}l${-1.4 * r} ${-1.4 * r}z" ${style}/>`;
    default:
      return shape satisfies never;
  }
}

/** Names behind their marks, in as many lines as they need. */
function legendOf(names: readonly string[], width: number, top: number): { parts: string[]; height: number } {
  const parts: string[] = [];
  const line = 22;
  let [x, y] = [margin, top];
  names.forEach((name, i) => {
    const needed = textWidth(name, textSize.tick) + 34;
    if (x + needed > width - margin && x > margin) [x, y] = [margin, y + line];
    parts.push(mark(x + 6, y + 6, i), text(x + 16, y + 11, name, { size: textSize.tick }));
    x += needed;
  });
  return { parts, height: y - top + line + 8 };
}
