/** How a chart looks, as options of uPlot. */
import uPlot from 'uplot';
import type { Axis } from '../wire.ts';
import type { Range } from './api.ts';
import type { Drawn } from './chart_data.ts';
import { resolved } from './colors.ts';
import { atTick, axisTick } from './format.ts';
import type { Format } from './names.ts';

/** A dashed line across a chart: what guessing gives, say. */
export interface Reference {
  readonly value: number;
  readonly text: string;
  /** The colour of the run that it is of; that of text where it is of all. */
  readonly color: string;
}

export interface ChartLook {
  readonly axis: Axis;
  readonly format: Format;
  readonly logY: boolean;
  /** What part of the axis of x is shown, the same in all charts. */
  readonly range: Range;
  /** All of it that there is something of. */
  readonly whole: Range;
  readonly references: readonly Reference[];
}

const font = '12px system-ui, sans-serif';

export function chartOptions(
  drawn: readonly Drawn[],
  look: () => ChartLook,
  size: { width: number; height: number },
  events: { onSelect(range: Range): void; onReset(): void; onCursor(u: uPlot): void },
): uPlot.Options {
  const { axis, format, logY } = look();
  const [ink, grid] = [resolved('var(--muted)'), resolved('var(--grid)')];
  const { series, bands } = linesOf(drawn);
  const line = { stroke: ink, font, grid: { stroke: grid, width: 1 }, ticks: { show: false } };
  return {
    ...size,
    padding: [10, 20, 0, 0],
    legend: { show: false },
    series: [{}, ...series],
    bands,
    cursor: {
      y: false,
      points: { show: false },
      drag: { x: true, y: false, setScale: false },
      sync: { key: 'simclr', setSeries: false },
    },
    scales: {
      x: { time: false, range: () => [...look().range] },
      y: { distr: logY ? 3 : 1, range: (_, min, max) => yRange(look(), min, max) },
    },
    axes: [
      { ...line, size: 30, gap: 6, space: 70, values: (_, ticks) => ticks.map((x) => axisTick(x, axis)) },
      {
        ...line,
        size: (_, values) => Math.max(40, 12 + 7 * Math.max(0, ...(values ?? []).map((text) => text?.length ?? 0))),
        gap: 6,
        ...(format === 'bytes' && { incrs: powersOfTwo }),
        values: (_, ticks) => ticks.map((y) => (y === null ? '' : atTick(y, format))),
      },
    ],
    hooks: {
      draw: [(u) => drawReferences(u, look().references)],
      setCursor: [events.onCursor],
      setSelect: [
        (u) => {
          const { left, width } = u.select;
          if (width < 5) return;
          u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          events.onSelect([u.posToVal(left, 'x'), u.posToVal(left + width, 'x')]);
        },
      ],
      ready: [(u) => u.over.addEventListener('dblclick', () => events.onReset())],
    },
  };
}

/** Steps between ticks of bytes. */
const powersOfTwo = Array.from({ length: 48 }, (_, power) => 2 ** power);

/** Series and bands of the columns that `alignedData` makes. */
function linesOf(drawn: readonly Drawn[]): { series: uPlot.Series[]; bands: uPlot.Band[] } {
  const series: uPlot.Series[] = [];
  const bands: uPlot.Band[] = [];
  for (const { curve, hasBand, hasRaw, isSparse } of drawn) {
    const stroke = resolved(curve.color);
    const faint = withAlpha(stroke, 0.28);
    const unmarked = { points: { show: false } };
    if (hasBand) {
      bands.push({ series: [series.length + 1, series.length + 2], fill: withAlpha(stroke, 0.16) });
      series.push({ ...unmarked, stroke: 'transparent', width: 0 }, { ...unmarked, stroke: 'transparent', width: 0 });
    }
    if (hasRaw) series.push({ ...unmarked, stroke: faint, width: 1 });
    const points = isSparse ? { show: true, size: 6, width: 1.5, stroke, fill: stroke } : { show: false };
    series.push({ stroke, width: 2, dash: curve.dash, points });
  }
  return { series, bands };
}

/** `rgb(1, 2, 3)` → `rgba(1, 2, 3, 0.3)`: what browsers make of a colour. */
const withAlpha = (color: string, alpha: number): string => {
  const parts = /^rgba?\(([^)]+)\)$/
    .exec(color)?.[1]
    .split(/[\s,/]+/)
    .slice(0, 3);
  return parts ? `rgba(${parts.join(', ')}, ${alpha})` : color;
};

/** All values, and the reference lines that are not so far off that the curves would be flat. */
function yRange({ references, logY, format }: ChartLook, min: number, max: number): uPlot.Range.MinMax {
  if (min === null || max === null) return [0, 1];
  const near = references
    .map(({ value }) => value)
    .filter(
      (value) => (!logY || value > 0) && value >= min - 2 * spread(min, max) && value <= max + 2 * spread(min, max),
    );
  const [low, high] = [Math.min(min, ...near), Math.max(max, ...near)];
  if (logY) return uPlot.rangeLog(low, high, 10, false);
  if (low === high) return low === 0 ? [0, 1] : [low - Math.abs(low) * 0.1, high + Math.abs(low) * 0.1];
  const margin = 0.06 * (high - low);
  const fromNought = format === 'bytes' || format === 'rate' || (format !== 'number' && low < 0.4 * high);
  const floor = low >= 0 && fromNought ? 0 : low - margin;
  return [low >= 0 ? Math.max(0, floor) : floor, high + margin];
}

const spread = (min: number, max: number): number => max - min || Math.abs(max) || 1;

function drawReferences(u: uPlot, references: readonly Reference[]): void {
  const { ctx, bbox } = u;
  const ratio = devicePixelRatio;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.font = `${11 * ratio}px system-ui, sans-serif`;
  ctx.textAlign = 'right';
  for (const { value, text, color } of references) {
    const y = u.valToPos(value, 'y', true);
    if (!(y >= bbox.top && y <= bbox.top + bbox.height)) continue;
    ctx.strokeStyle = ctx.fillStyle = resolved(color);
    ctx.lineWidth = ratio;
    ctx.setLineDash([5 * ratio, 4 * ratio]);
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
    const above = y - 5 * ratio > bbox.top + 11 * ratio;
    ctx.fillText(text, bbox.left + bbox.width - 4 * ratio, above ? y - 5 * ratio : y + 13 * ratio);
  }
  ctx.restore();
}
