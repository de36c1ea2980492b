import { axis, colorOf, frame } from '../src/report/plot_frame.ts';
import { type Chart, render } from '../src/report/plot_render.ts';
import { ink, textSize } from '../src/report/plot_style.ts';
import type { Report } from './report.ts';

const width = 1100;
const barHeight = 15;

/** Powers of ten around all values: bars on a logarithmic axis begin at its lower end. */
function decades(values: readonly number[]): { min: number; max: number } {
  const logs = values.map(Math.log10);
  const min = Math.floor(Math.min(...logs) - 1e-9);
  return { min: 10 ** min, max: 10 ** Math.max(min + 1, Math.ceil(Math.max(...logs) + 0.3)) };
}

/** Times of ours and of each peer's fastest setting, a group of bars for each row of the report; milliseconds on a log axis. */
export function reportChart({ rows, adapter }: Report): Promise<Chart> {
  const names = ['ours', ...new Set(rows.flatMap(({ peers }) => Object.keys(peers)))];
  const timesOf = (name: string) => rows.map((row) => (name === 'ours' ? row.ours_ms : row.peers[name]));
  const size = { width, height: 170 + rows.length * (names.length * barHeight + 12) };
  const title = `Time on ${adapter} (shorter is better)`;
  const { range: _, ...rest } = frame({ title, size }, names, size);
  const series = names.map((name, i) => ({
    type: 'bar',
    name,
    data: timesOf(name).map((value) => value ?? '-'),
    color: colorOf(i),
    label: {
      show: true,
      position: 'right',
      fontSize: textSize.tick - 3,
      color: ink,
      formatter: ({ value }: { value: number | string }) =>
        typeof value === 'number' ? Number(value.toPrecision(3)).toString() : '',
    },
  }));
  const all = names.flatMap(timesOf).filter((value) => value !== undefined);
  const ends = decades(all);
  const labels = { data: rows.map(({ name, shape }) => `${name} ${shape}`), inverse: true };
  return render(
    {
      ...rest,
      xAxis: { ...axis('value', 'time / ms, logarithmic', 'x', ends), type: 'log', startValue: ends.min },
      yAxis: {
        ...axis('category', '', 'y', labels),
        axisLabel: { fontSize: textSize.tick - 2, color: ink, interval: 0 },
      },
      series,
    },
    size,
  );
}
