import { PNG } from 'pngjs';
import { describe, expect, it } from 'vitest';
import { decimal } from '../../src/report/numbers.ts';
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

const axes = { title: 't-SNE', x: { label: 't-SNE 1' }, y: { label: 't-SNE 2' } };

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

it('numbers are rounded as they read in decimals', () => {
  const cases: [number, number, string][] = [
    [100 * 0.4095, 1, '41.0'],
    [28.35, 1, '28.4'],
    [1.005, 2, '1.01'],
    [-1.005, 2, '−1.01'],
    [-0.0004, 2, '0.00'],
    [0.1234567, 6, '0.123457'],
    [12345.678, 0, '12346'],
    [Number.NaN, 2, 'NaN'],
  ];
  for (const [value, digits, text] of cases) expect(decimal(value, digits), text).toBe(text);
});

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
    const { svg } = await scatterChart({ ...axes, groups });
    for (const { name } of groups) expect(svg).toContain(name);
    for (const color of palette) expect(svg).toContain(color);
    // The ninth and tenth group have colours of the first and second; their shapes are hollow.
    const hollow = [...svg.matchAll(/<path[^>]*fill="#fff"[^>]*stroke="(#[0-9a-f]{6})"/g)].map(([, color]) => color);
    expect([...new Set(hollow)].sort()).toEqual(palette.slice(0, 2).toSorted());
  });

  it.each([
    ['wide', 30, 10],
    ['high', 10, 11],
    ['flat', 40, 0],
  ])('a map that is %s has the same unit along both axes, and all points in it', async (_, across, up) => {
    const points = [
      [-across, 0],
      [across, 0],
      [0, up],
      [0, -up],
    ] as [number, number][];
    const { svg } = await scatterChart({ ...axes, groups: [{ name: 'a', points }] });
    const texts = [...svg.matchAll(/<text[^>]*transform="translate\(([\d.]+) ([\d.]+)\)"[^>]*>(−?[\d.]+)<\/text>/g)];
    const ticks = texts.map(([, x, y, text]) => [Number(x), Number(y), Number(text.replace('−', '-'))] as const);
    const perUnit = (place: 0 | 1) => {
      // Numbers of the axis of x stand on one line, those of the axis of y under each other.
      const most = Math.max(...ticks.map((tick) => tick[1]));
      const own = ticks.filter((tick) => (place === 0 ? tick[1] === most : tick[1] !== most));
      const [first, last] = [own[0], own.at(-1)!];
      return Math.abs((last[place] - first[place]) / (last[2] - first[2]));
    };
    expect(perUnit(0) / perUnit(1)).toBeCloseTo(1, 2);
    const height = Number(/height="(\d+)"/.exec(svg)![1]);
    const circles = [...svg.matchAll(/<path[^>]*transform="matrix\([^)]*?,([\d.-]+),([\d.-]+)\)"/g)].map(([, x, y]) => [
      Number(x),
      Number(y),
    ]);
    expect(circles.length).toBeGreaterThanOrEqual(4);
    for (const [x, y] of circles) expect(x > 80 && x < 860 && y > 0 && y < height, `${x} ${y}`).toBe(true);
  });

  it.each([
    [1, 20, ['1', '5', '10', '15', '20']],
    [1, 12, ['1', '2', '4', '6', '8', '10', '12']],
    [0, 100, ['0', '20', '40', '60', '80', '100']],
    [3, 3, ['3']],
  ])('whole numbers from %i to %i are ticked at both ends and at round ones', async (first, last, expected) => {
    const points = Array.from({ length: last - first + 1 }, (_, i) => [first + i, -1e6 - i] as const);
    const { svg } = await lineChart({ ...curves, series: [{ name: 'a', points }] });
    const shown = [...svg.matchAll(/>(\d+)<\/text>/g)].map(([, text]) => text);
    expect(shown).toEqual(expected);
  });

  it('a logarithmic axis has a tick at each point, equal ratios at equal distances', async () => {
    const points = [1, 10, 100].map((k) => [k, -k] as const);
    const { svg } = await lineChart({
      ...curves,
      x: { label: 'k', logarithmic: true },
      series: [{ name: 'a', points }],
    });
    const texts = [...svg.matchAll(/translate\(([\d.]+) [\d.]+\)"[^>]*>(\d+)<\/text>/g)].filter(([, , k]) => k !== '0');
    expect(texts.map(([, , k]) => k)).toEqual(['1', '10', '100']);
    const [a, b, c] = texts.map(([, x]) => Number(x));
    expect((c - b) / (b - a)).toBeCloseTo(1, 1);
  });

  it('draw a range, a line of reference, a single point, and nothing at all', async () => {
    const chart = await lineChart({ ...curves, yRange: [0, 100], reference: { name: 'guessing', y: 10 } });
    expect(chart.svg).toContain('guessing');
    expect(chart.svg).toContain('>100<');
    for (const y of [-50, 1000]) {
      const outside = await lineChart({ ...curves, reference: { name: 'guessing', y } });
      expect(outside.svg, 'a reference below or above all points').toContain('guessing');
    }
    for (const logarithmic of [false, true]) {
      const x = { label: 'k', logarithmic };
      const one = await lineChart({ ...curves, x, series: [{ name: 'train', points: [[20, 2]] }] });
      expect(has(one, palette[0])).toBe(true);
      // The tick of the point, in the middle of the axis of x.
      const [, at] = /translate\(([\d.]+) [\d.]+\)"[^>]*>20</.exec(one.svg)!;
      expect(Math.abs(Number(at) - 860 / 2)).toBeLessThan(60);
    }
    expect((await lineChart({ ...curves, series: [] })).png.length).toBeGreaterThan(1000);
  });

  it('escape what names may hold', async () => {
    const { svg } = await lineChart({ ...curves, title: 'a < b & "c"' });
    expect(svg).toContain('a &lt; b &amp; ');
  });
});
