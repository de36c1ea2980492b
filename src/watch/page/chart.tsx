/** One chart: curves of several runs, a tooltip with their values, and the same by keys. */
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import type { Range } from './api.ts';
import { alignedData, type Curve, type Drawn, drawnOf, nearestPlace } from './chart_data.ts';
import { type ChartLook, chartOptions } from './chart_options.ts';
import { listenToTouch } from './chart_touch.ts';
import { place, written } from './format.ts';

export interface ChartProps extends ChartLook {
  readonly title: string;
  readonly note?: string | undefined;
  readonly curves: readonly Curve[];
  readonly smoothing: number;
  /** Changes with the colours of the page. */
  readonly theme: string;
  readonly onRange: (range: Range | undefined) => void;
}

/** Where the cursor is: a place on the axis of x, and pixels. */
interface Pointed {
  readonly x: number;
  readonly left: number;
  /** The value under the pointer; undefined: it is moved by keys. */
  readonly y: number | undefined;
}

const height = 230;

export function Chart(props: ChartProps) {
  const { title, note, curves, smoothing, logY, format, axis } = props;
  const drawn = useMemo(() => curves.map((curve) => drawnOf(curve, smoothing, curves.length)), [curves, smoothing]);
  const { host, pointed, move } = usePlot(props, drawn);
  const last = drawn.map(({ curve, values }) => `${curve.name} ${written(values.at(-1) ?? Number.NaN, format)}`);
  return (
    <figure class="card chart">
      <figcaption>
        <h3>{title}</h3>
        {note !== undefined && <p class="note">{note}</p>}
      </figcaption>
      <div
        class="plot"
        ref={host}
        role="img"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: the arrow keys read the curves
        tabIndex={0}
        aria-label={`${title}${logY ? ', logarithmic' : ''}. Newest values: ${last.slice(0, 10).join('; ')}. Arrow keys move along the curves.`}
        onKeyDown={move}
      />
      {pointed && <Tooltip pointed={pointed} drawn={drawn} format={format} axis={axis} host={host.current} />}
    </figure>
  );
}

/** Keeps a plot of uPlot as the properties say. */
function usePlot(props: ChartProps, drawn: readonly Drawn[]) {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  const latest = useRef(props);
  latest.current = props;
  const [pointed, point] = useState<Pointed>();
  const { logY, axis, format, theme } = props;
  const shape = drawn.map(
    ({ curve, hasRaw, hasBand, isSparse }) => `${curve.id}${curve.color}${hasRaw}${hasBand}${isSparse}`,
  );
  const data = useMemo(() => alignedData(drawn, logY), [drawn, logY]);

  useEffect(() => {
    const element = host.current!;
    const onCursor = (u: uPlot) => {
      if (!element.matches(':hover')) return; // the cursor of another chart
      const { left = -1, top = -1 } = u.cursor;
      point(left < 0 ? undefined : { x: u.posToVal(left, 'x'), left, y: u.posToVal(top, 'y') });
    };
    const events = {
      onSelect: (range: Range) => latest.current.onRange(range),
      onReset: () => latest.current.onRange(undefined),
      onCursor,
    };
    const width = () => Math.max(200, element.clientWidth);
    const u = new uPlot(
      chartOptions(drawn, () => latest.current, { width: width(), height }, events),
      data,
      element,
    );
    plot.current = u;
    const observer = new ResizeObserver(() => {
      if (u.width !== width()) u.setSize({ width: width(), height });
    });
    observer.observe(element);
    const leave = () => point(undefined);
    element.addEventListener('mouseleave', leave);
    element.addEventListener('blur', leave);
    return () => {
      observer.disconnect();
      element.removeEventListener('mouseleave', leave);
      element.removeEventListener('blur', leave);
      u.destroy();
    };
  }, [shape.join(), logY, axis, format, theme]);

  useEffect(() => {
    listenToTouch(host.current!, {
      over: () => plot.current!.over,
      shown: () => latest.current,
      show: (range) => {
        point(undefined);
        latest.current.onRange(range);
      },
      point: (left, top) => {
        const u = plot.current!;
        u.setCursor({ left, top });
        point({ x: u.posToVal(left, 'x'), left, y: u.posToVal(top, 'y') });
      },
    });
  }, []);

  const references = JSON.stringify(props.references);
  useEffect(() => {
    if (plot.current && plot.current.data !== data) plot.current.setData(data);
    else plot.current?.redraw();
  }, [data, props.range.join(), references]);

  const move = (event: KeyboardEvent) => {
    const u = plot.current;
    const xs = u?.data[0];
    if (!u || !xs || xs.length === 0) return;
    const at = pointed ? nearestPlace(xs as number[], pointed.x) : xs.length - 1;
    const far = Math.max(1, Math.floor(xs.length / 20));
    const steps: Readonly<Record<string, number>> = {
      ...{ ArrowLeft: -1, ArrowRight: 1, PageUp: -far, PageDown: far, Home: -xs.length, End: xs.length },
    };
    if (event.key === 'Escape') return point(undefined);
    const step = steps[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const x = xs[Math.min(xs.length - 1, Math.max(0, pointed ? at + step : at))];
    const left = u.valToPos(x, 'x');
    u.setCursor({ left, top: 10 });
    point({ x, left, y: undefined });
  };
  return { host, pointed, move };
}

interface TooltipProps extends Pick<ChartProps, 'format' | 'axis'> {
  readonly pointed: Pointed;
  readonly drawn: readonly Drawn[];
  readonly host: HTMLElement | null;
}

/** Runs that a tooltip has room for. */
const mostRows = 12;

function Tooltip({ pointed, drawn, format, axis, host }: TooltipProps) {
  const rows = drawn.flatMap(({ curve, values, hasRaw }) => {
    const { x, mean, min, max } = curve.series;
    if (x.length === 0) return [];
    const at = nearestPlace(x, pointed.x);
    const raw = hasRaw ? mean[at] : undefined;
    return [{ curve, x: x[at], value: values[at], raw, low: min?.[at], high: max?.[at] }];
  });
  rows.sort((a, b) => b.value - a.value);
  const distance = ({ value }: { value: number }) => Math.abs(value - (pointed.y ?? value));
  const nearest = rows.reduce((best, row) => (distance(row) < distance(best) ? row : best), rows[0]);
  const shown = rows.length <= mostRows ? rows : rows.toSorted((a, b) => distance(a) - distance(b)).slice(0, mostRows);
  const isRight = host !== null && pointed.left > host.clientWidth / 2;
  return (
    <div class={`tooltip ${isRight ? 'at-left' : 'at-right'}`} role="status">
      <div class="where">{nearest ? place(nearest.x, axis) : ''}</div>
      {shown.map((row) => (
        <div key={row.curve.id} class={row === nearest && rows.length > 1 ? 'row near' : 'row'}>
          <i class="swatch" style={{ background: row.curve.color }} />
          <span class="name">{row.curve.name}</span>
          <b>{written(row.value, format)}</b>
          {row.raw !== undefined && <small>{written(row.raw, format)}</small>}
          {row.low !== undefined && row.high !== undefined && (
            <small>
              {written(row.low, format)} to {written(row.high, format)}
            </small>
          )}
        </div>
      ))}
      {rows.length > shown.length && <div class="where">and {rows.length - shown.length} more</div>}
    </div>
  );
}
