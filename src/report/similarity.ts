/** The similarity matrix of a batch of pairs as a heat map: trained, it shows two bright lines beside the main diagonal. */

import { Canvas, INK, WHITE } from './canvas.ts';
import { divergingColor } from './colormap.ts';

export interface SimilarityOptions {
  /** Side of a cell in pixels, its grid line included; by default as large as fits about 448 pixels. */
  readonly cell?: number;
  /** Value of the colour scale's lower end. */
  readonly min?: number;
  readonly max?: number;
  /** A line above the matrix, such as "step 300  positives 0.93  negatives 0.02". */
  readonly title?: string;
}

const VIEWS = ['view 1', 'view 2'] as const;
const TARGET_SIZE = 448;
const MARGIN = 16;
/** Cells smaller than this have no grid: lines would cover what they divide. */
const MIN_GRID_CELL = 6;

/**
 * Draws an n×n matrix, row 0 at the top. Rows and columns are half-split: view 1 of samples 0 … n/2−1, then view 2 of the same;
 * a gap marks the change of view. Values outside min … max take the end's colour, NaN is grey.
 * @returns a PNG file
 */
export function similarityMatrix(matrix: Float32Array, n: number, options: SimilarityOptions = {}): Buffer {
  if (n < 1 || matrix.length !== n * n)
    throw new Error(`[similarity] ${matrix.length} values are not a ${n}×${n} matrix`);
  const { cell = Math.max(1, Math.min(56, Math.floor(TARGET_SIZE / n))), min = -1, max = 1, title = '' } = options;
  const layout = layOut(n, cell, title, [min, (min + max) / 2, max].map(formatTick));
  const canvas = new Canvas(layout.width, layout.height);
  const toColor = (value: number) => divergingColor(((value - min) / (max - min)) * 2 - 1);
  canvas.text(layout.left, MARGIN, title, INK, layout.titleScale);
  drawCells(canvas, matrix, n, cell, layout, toColor);
  drawViewLabels(canvas, layout);
  drawColorBar(canvas, layout);
  return canvas.toPng();
}

interface Layout {
  readonly width: number;
  readonly height: number;
  readonly left: number;
  readonly top: number;
  /** Side of the matrix, the gap between the views included. */
  readonly size: number;
  readonly half: number;
  readonly gap: number;
  /** Whether "view 1" and "view 2" fit beside their halves. */
  readonly labelled: boolean;
  readonly scale: number;
  readonly titleScale: number;
  readonly barLeft: number;
  readonly barWidth: number;
  readonly ticks: readonly string[];
}

function layOut(n: number, cell: number, title: string, ticks: readonly string[]): Layout {
  const gap = n % 2 === 0 && cell >= MIN_GRID_CELL ? 3 : 0;
  const size = n * cell + gap;
  const scale = size >= 256 ? 2 : 1;
  const half = (n / 2) * cell;
  const labelWidth = Canvas.textWidth(VIEWS[0], scale);
  const labelled = gap > 0 && half >= labelWidth;
  const left = MARGIN + (labelled ? labelWidth + 4 * scale : 0);
  const barLeft = left + size + 8 * scale;
  const barWidth = 8 * scale;
  const tickWidth = Math.max(...ticks.map((tick) => Canvas.textWidth(tick, scale)));
  const right = barLeft + barWidth + 6 * scale + tickWidth + MARGIN;
  const titleScale = left + Canvas.textWidth(title, scale) + MARGIN <= right ? scale : 1;
  const titleHeight = title === '' ? 0 : Canvas.textHeight(titleScale) + 7 * scale;
  const top = MARGIN + titleHeight + (labelled ? Canvas.textHeight(scale) + 2 * scale : 0);
  return {
    width: Math.max(right, left + Canvas.textWidth(title, titleScale) + MARGIN),
    height: top + size + MARGIN,
    left,
    top,
    size,
    half,
    gap,
    labelled,
    scale,
    titleScale,
    barLeft,
    barWidth,
    ticks,
  };
}

/** At most two decimals, none that are zero: −1, 0, 0.25. */
const formatTick = (value: number): string => String(Number(value.toFixed(2)));

function drawCells(
  canvas: Canvas,
  matrix: Float32Array,
  n: number,
  cell: number,
  { left, top, gap }: Layout,
  toColor: (value: number) => readonly [number, number, number],
): void {
  const line = cell >= MIN_GRID_CELL ? 1 : 0;
  const position = (i: number) => i * cell + (i >= n / 2 ? gap : 0);
  for (let row = 0; row < n; row++) {
    for (let column = 0; column < n; column++) {
      const color = toColor(matrix[row * n + column]);
      canvas.fill(left + position(column), top + position(row), cell - line, cell - line, color);
    }
  }
}

function drawViewLabels(canvas: Canvas, { left, top, half, gap, labelled, scale }: Layout): void {
  if (!labelled) return;
  const width = Canvas.textWidth(VIEWS[0], scale);
  VIEWS.forEach((label, view) => {
    const middle = half / 2 + view * (half + gap);
    const x = Math.round(left + middle - width / 2);
    canvas.text(x, top - Canvas.textHeight(scale) - 2 * scale, label, INK, scale);
    canvas.text(left - width - 4 * scale, Math.round(top + middle - 3.5 * scale), label, INK, scale);
  });
}

/** The scale at the right, highest value at the top, with a tick at both ends and in the middle. */
function drawColorBar(canvas: Canvas, { barLeft, barWidth, top, size, scale, ticks }: Layout): void {
  for (let row = 0; row < size; row++) {
    const color = divergingColor(1 - (2 * row) / Math.max(1, size - 1));
    canvas.fill(barLeft, top + row, barWidth, 1, color);
  }
  const tickLeft = barLeft + barWidth;
  ticks.forEach((label, i) => {
    const y = top + Math.round(((ticks.length - 1 - i) / (ticks.length - 1)) * (size - 1));
    canvas.fill(tickLeft - 2 * scale, y, 2 * scale, 1, WHITE);
    canvas.fill(tickLeft, y, 3 * scale, 1, INK);
    const textTop = Math.min(top + size - 7 * scale, Math.max(top, Math.round(y - 3 * scale)));
    canvas.text(tickLeft + 6 * scale, textTop, label, INK, scale);
  });
}
