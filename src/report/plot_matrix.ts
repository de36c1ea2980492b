/** Square matrices side by side in one colour scale: similarities of embeddings by stage, and the loss worked out by hand. */

import { divergingColor } from './colormap.ts';
import type { Chart } from './plot_render.ts';
import { ink, textSize, textWidth } from './plot_style.ts';
import { figure, rect, round, text } from './plot_svg.ts';

export interface Matrix {
  readonly title: string;
  /** Lines under the matrix. */
  readonly notes?: readonly string[];
  /** n × n values, row by row; NaN leaves a cell empty. */
  readonly values: ArrayLike<number>;
  /** Text of a cell, where the cells are large enough for it. */
  readonly format?: (value: number) => string;
  /** A colour scale of its own; then each matrix has its bar beside it. */
  readonly own?: Pick<MatricesOptions, 'range' | 'scale'>;
}

export interface MatricesOptions {
  readonly title: string;
  readonly matrices: readonly Matrix[];
  /** Values of the ends of the colour scale. It diverges around its middle, or begins at 0 and has one half of the colours. */
  readonly range: readonly [number, number];
  /** What the colours show, with its unit. */
  readonly scale: string;
  /** Names of rows and columns; by default the halves are called view 1 and view 2. */
  readonly names?: readonly string[];
  /** Side of a matrix in pixels. */
  readonly side?: number;
  /** Matrices in a row. */
  readonly columns?: number;
}

const margin = 18;
const noteLine = 19;
/** Degrees by which names of columns rise where they are wider than a column. */
const rise = 38;

const widest = (names: readonly string[]): number => Math.max(...names.map((name) => textWidth(name, textSize.tick)));

/** Height that the names of columns take above the matrix. */
function nameHeight(names: readonly string[] | undefined, side: number): number {
  if (!names || widest(names) < side / names.length) return 22;
  return 12 + widest(names) * Math.sin((rise * Math.PI) / 180) + textSize.tick;
}

/** Draws the matrices, row 0 at the top, in rows of `columns`, and one colour bar for all, or one for each where any has its own scale. */
export function matrices(options: MatricesOptions): Promise<Chart> {
  const { title, range, scale, names, side = 224, columns = 4, matrices: all } = options;
  const parts: string[] = [];
  const labels = names ? widest(names) + 8 : 22;
  const across = Math.min(columns, all.length);
  const barWidth = (low: number, high: number) =>
    18 + 8 + Math.max(...[low, high].map((value) => textWidth(String(value), textSize.tick))) + 34;
  const each = all.some(({ own }) => own);
  const bars = Math.max(...all.map(({ own }) => barWidth(...(own?.range ?? range))));
  const pitch = labels + side + 26 + (each ? bars : 0);
  const notes = Math.max(0, ...all.map((matrix) => matrix.notes?.length ?? 0));
  const above = nameHeight(names, side);
  const head = 30 + above;
  const height = head + side + 10 + notes * noteLine + 14;
  const top = margin + textSize.title + 12;
  all.forEach((matrix, i) => {
    const x = margin + labels + (i % across) * pitch;
    const y = top + Math.floor(i / across) * height + head;
    parts.push(
      text(x + side / 2, y - above - 8, matrix.title, { size: textSize.legend, anchor: 'middle', bold: true }),
    );
    const own = matrix.own ?? { range, scale };
    parts.push(...cells(matrix, x, y, side, own.range), ...axes(x, y, side, names));
    if (each) parts.push(...colorBar(x + side + 14, y, side, own.range, own.scale));
    matrix.notes?.forEach((note, k) => {
      const style = { size: textSize.tick, anchor: 'middle' } as const;
      parts.push(text(x + side / 2, y + side + 10 + noteLine * (k + 0.8), note, style));
    });
  });
  const barLeft = margin + across * pitch;
  if (!each) parts.push(...colorBar(barLeft, top + head, side, range, scale));
  const width = Math.max(barLeft + (each ? 0 : bars) + margin, textWidth(title, textSize.title) * 1.1 + 2 * margin);
  parts.push(text(width / 2, margin + textSize.title, title, { size: textSize.title, anchor: 'middle', bold: true }));
  return figure(width, top + Math.ceil(all.length / across) * height + margin - 14, parts);
}

/** @param share of the way from the low end of the range to the high one */
const colorAt = (share: number, [low]: readonly [number, number]) => divergingColor(low === 0 ? share : 2 * share - 1);

const hex = (color: readonly number[]): string => `#${color.map((c) => c.toString(16).padStart(2, '0')).join('')}`;

function cells({ values, format }: Matrix, x: number, y: number, side: number, range: readonly [number, number]) {
  const n = Math.sqrt(values.length);
  const cell = side / n;
  const parts: string[] = [];
  const size = Math.min(15, cell / 3.6);
  Array.from(values).forEach((value, i) => {
    if (Number.isNaN(value)) return;
    const color = colorAt((value - range[0]) / (range[1] - range[0]), range);
    const [column, row] = [i % n, Math.floor(i / n)];
    parts.push(rect(x + column * cell, y + row * cell, cell - 1, cell - 1, hex(color)));
    if (format === undefined || size < 7) return;
    const light = 0.299 * color[0] + 0.587 * color[1] + 0.114 * color[2] > 140;
    const style = { size, anchor: 'middle', color: light ? '#000000' : '#ffffff' } as const;
    parts.push(text(x + (column + 0.5) * cell, y + (row + 0.5) * cell + size * 0.36, format(value), style));
  });
  return parts;
}

/** Names of rows and columns, or the halves: view 1, then view 2 of the same samples. */
function axes(x: number, y: number, side: number, names: readonly string[] = ['view 1', 'view 2']): string[] {
  const rotated = names.length === 2;
  return names.flatMap((name, i) => {
    const middle = ((i + 0.5) * side) / names.length;
    const row = rotated
      ? `<g transform="translate(${round(x - 8)} ${round(y + middle)}) rotate(-90)">${text(0, 0, name, { size: textSize.tick, anchor: 'middle' })}</g>`
      : text(x - 8, y + middle + 5, name, { size: textSize.tick, anchor: 'end' });
    if (nameHeight(names, side) <= 22)
      return [text(x + middle, y - 7, name, { size: textSize.tick, anchor: 'middle' }), row];
    const rising = text(0, 0, name, { size: textSize.tick, anchor: 'start' });
    return [`<g transform="translate(${round(x + middle)} ${round(y - 7)}) rotate(${-rise})">${rising}</g>`, row];
  });
}

function colorBar(x: number, y: number, side: number, range: readonly [number, number], label: string): string[] {
  const [low, high] = range;
  const steps = 64;
  const parts = Array.from({ length: steps }, (_, i) => {
    const color = hex(colorAt(1 - i / (steps - 1), range));
    return rect(x, y + (i * side) / steps, 18, side / steps + 0.5, color);
  });
  const values = [high, (low + high) / 2, low];
  values.forEach((value, i) => {
    parts.push(text(x + 24, y + (i / 2) * side + 5, String(round(value)).replace('-', '−'), { size: textSize.tick }));
  });
  const ticks = Math.max(...values.map((value) => textWidth(String(round(value)), textSize.tick)));
  const label_ = text(0, 0, label, { size: textSize.tick, anchor: 'middle', color: ink });
  parts.push(
    `<g transform="translate(${round(x + 24 + ticks + 20)} ${round(y + side / 2)}) rotate(-90)">${label_}</g>`,
  );
  return parts;
}
