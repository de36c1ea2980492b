import { PNG } from 'pngjs';
import { describe, expect, it } from 'vitest';
import { barChart, type Chart, lineChart, scatterChart } from '../../src/report/plot.ts';
import { palette } from '../../src/report/plot_style.ts';

const decay = Array.from({ length: 12 }, (_, i) => [i + 1, 2 + 5 * Math.exp(-i / 4)] as const);
const curves = {
  title: 'Loss of a run',
  x: { label: 'epoch' },
  y: { label: 'loss / nat' },
  series: [
    { name: 'train', points: decay },
    { name: 'test', points: decay.map(([x, y]) => [x, y + 1] as const), dashed: true, color: 0 },
  ],
};

/** Share of dark pixels in a rectangle given in shares of the picture. */
function darkness({ png }: Chart, left: number, top: number, right: number, bottom: number): number {
  const { width, height, data } = PNG.sync.read(png);
  const [x0, x1, y0, y1] = [left * width, right * width, top * height, bottom * height].map(Math.round);
  let dark = 0;
  for (let y = y0; y < y1; y++) {
    for (let x = x0; x < x1; x++) if (data[(y * width + x) * 4] < 128) dark++;
  }
  return dark / ((x1 - x0) * (y1 - y0));
}

/** Share of the pixels of the first `rows` that are exactly of this colour. */
function has({ png }: Chart, color: string): boolean {
  const { data } = PNG.sync.read(png);
  const wanted = [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16));
  for (let i = 0; i < data.length; i += 4) if (wanted.every((value, c) => data[i + c] === value)) return true;
  return false;
}

describe('charts', () => {
  it('show their words without any font of the system: title, legend, both labels, ticks', async () => {
    const chart = await lineChart(curves);
    expect(darkness(chart, 0.4, 0.02, 0.6, 0.07)).toBeGreaterThan(0.02); // title
    expect(darkness(chart, 0.3, 0.08, 0.7, 0.14)).toBeGreaterThan(0.01); // legend
    expect(darkness(chart, 0.45, 0.92, 0.6, 1)).toBeGreaterThan(0.01); // label of x
    expect(darkness(chart, 0, 0.35, 0.06, 0.75)).toBeGreaterThan(0.01); // label of y
    for (const word of ['Loss of a run', 'epoch', 'loss / nat', 'train', 'test'])
      expect(chart.svg).toContain(`>${word}<`);
  });

  it('are the same whichever were drawn before', async () => {
    const first = await lineChart(curves);
    await barChart({ ...curves, categories: ['a'], series: [{ name: 'ours', values: [1] }] });
    const again = await lineChart(curves);
    expect(again.svg).toBe(first.svg);
    expect(again.png.equals(first.png)).toBe(true);
  });

  it('put values and deviations on bars, and leave out what is no number', async () => {
    const chart = await barChart({
      title: 'Test accuracy',
      x: { label: 'model' },
      y: { label: 'accuracy / %' },
      categories: ['baseline', 'frozen'],
      series: [
        { name: 'ours', values: [50.25, 60.125], deviations: [1.5, 2] },
        { name: 'published', values: [50.4, Number.NaN] },
      ],
    });
    for (const text of ['50.3 ± 1.5', '60.1 ± 2.0', '50.4']) expect(chart.svg).toContain(text);
    expect(chart.svg).not.toContain('NaN');
    expect(has(chart, palette[0]) && has(chart, palette[1])).toBe(true);
  });

  it('print a single value without a deviation, and keep whiskers within the range', async () => {
    const draw = async (deviations: readonly (number | undefined)[]) => {
      const series = [{ name: 'ours', values: [50, 97, 60], deviations }];
      const options = { title: '', x: { label: '' }, y: { label: '' }, categories: ['a', 'b', 'c'] };
      const { svg } = await barChart({ ...options, series, yRange: [0, 100] });
      // Whiskers and their caps are the lines of this width; where one ends at the top, y is that of 100 %.
      const whiskers = [...svg.matchAll(/<path d="M([\d.-]+) ([\d.-]+)L([\d.-]+) ([\d.-]+)"[^>]*stroke-width="2"/g)];
      return { svg, whiskers: whiskers.map(([, ...numbers]) => numbers.map(Number)) };
    };
    const { svg, whiskers } = await draw([1.5, 5, undefined]);
    for (const text of ['>50.0 ± 1.5<', '>97.0 ± 5.0<', '>60.0<']) expect(svg).toContain(text);
    expect(whiskers).toHaveLength(3 + 2); // the second has no cap above
    const least = (lines: number[][]) => Math.min(...lines.flatMap(([, a, , b]) => [a, b]));
    const inside = await draw([1.5, 3, undefined]);
    expect(inside.whiskers).toHaveLength(6);
    expect(least(whiskers)).toBeCloseTo(least(inside.whiskers), 3); // both end at 100 %
  });

  it('show all names and all numbers: names are turned, numbers go on two lines, the chart is as wide as they need', async () => {
    const draw = async (count: number, deviations?: readonly number[]) => {
      const categories = Array.from({ length: count }, (_, i) => `english_springer_${i}`);
      const values = categories.map((_, i) => 10 + i);
      const series = [0, 1].map((s) => ({ name: `series ${s}`, values, deviations }));
      const { svg } = await barChart({ ...curves, categories, series, yRange: [0, 100] });
      return { width: Number(/width="(\d+)"/.exec(svg)![1]), svg, shown: (text: string) => svg.includes(`>${text}<`) };
    };
    const few = await draw(4);
    expect(few.width).toBe(860);
    const deviating = await draw(12, new Array(12).fill(2.25));
    expect(deviating.width).toBeGreaterThan(1000);
    for (let i = 0; i < 12; i++) {
      expect(deviating.shown(`english_springer_${i}`), String(i)).toBe(true);
      expect(deviating.shown(`${10 + i}.0`), String(i)).toBe(true);
    }
    expect(deviating.shown('± 2.3')).toBe(true);
    const many = await draw(300);
    expect([many.shown('12.0'), many.shown('english_springer_0')]).toEqual([false, true]);
    expect(many.width).toBeLessThanOrEqual(2000);
  });

  it('write negative numbers with a true minus, on bars and on axes', async () => {
    const { svg } = await barChart({ ...curves, categories: ['a'], series: [{ name: 'ours', values: [-1234.5] }] });
    expect(svg).toMatch(/>−1234\.5<[\s\S]*>−1,000<|>−1,000<[\s\S]*>−1234\.5</);
    expect(svg).not.toMatch(/>-\d/);
  });

  it('give each group of points its own colour and shape', async () => {
    const groups = Array.from({ length: 10 }, (_, g) => ({ name: `class ${g}`, points: [[g, g] as const] }));
    const { svg } = await scatterChart({ title: 't-SNE', groups });
    for (const { name } of groups) expect(svg).toContain(name);
    for (const color of palette) expect(svg).toContain(color);
  });

  it('draw a range, a line of reference, a single point, and nothing at all', async () => {
    const chart = await lineChart({ ...curves, yRange: [0, 100], reference: { name: 'guessing', y: 10 } });
    expect(chart.svg).toContain('guessing');
    expect(chart.svg).toContain('>100<');
    const one = await lineChart({ ...curves, series: [{ name: 'train', points: [[1, 2]] }] });
    expect(has(one, palette[0])).toBe(true);
    expect((await lineChart({ ...curves, series: [] })).png.length).toBeGreaterThan(1000);
  });

  it('escape what names may hold', async () => {
    const { svg } = await lineChart({ ...curves, title: 'a < b & "c"' });
    expect(svg).toContain('a &lt; b &amp; ');
  });
});
