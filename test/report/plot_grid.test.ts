/** Charts beside each other, and maps of the same points: what stands where, in which colour, and that nothing leaves its square. */
import { PNG } from 'pngjs';
import { describe, expect, it } from 'vitest';
import { lineChart } from '../../src/report/plot.ts';
import { chartGrid, pointMaps } from '../../src/report/plot_grid.ts';
import { palette } from '../../src/report/plot_style.ts';

const size = { width: 440, height: 320 };
const long = 'simclr, head-depth 3, embedding-dim 512, batch-size 128 without grayscale';

const chart = (title: string, last = 3) =>
  lineChart({
    ...{ title, size, x: { label: 'images seen' }, y: { label: 'loss' } },
    series: [{ name: 'seed 1', points: [1, 2, last].map((x) => [x, 10 - x] as const) }],
    reference: { name: 'chance', y: 9.5 },
  });

const sizeOf = (svg: string) => /<svg [^>]*width="(\d+)" height="(\d+)"/.exec(svg)!.slice(1).map(Number);
const shapes = (svg: string, shape: RegExp) => [...svg.matchAll(shape)].map(([, ...numbers]) => numbers.map(Number));

describe('a grid of charts', () => {
  it('has each in its place, in rows from the left, a picture of its own size', async () => {
    const charts = await Promise.all(['one', 'two', 'three', 'four', 'five'].map((title) => chart(title)));
    const { svg, png } = await chartGrid(charts, size, 2);
    const places = shapes(svg, /<svg x="(\d+)" y="(\d+)"/g);
    expect(places).toEqual([0, 1, 2].flatMap((row) => [0, 1].map((column) => [452 * column, 332 * row])).slice(0, 5));
    expect(sizeOf(svg)).toEqual([2 * 440 + 12, 3 * 320 + 2 * 12]);
    const { width, height } = PNG.sync.read(png);
    expect([width, height]).toEqual([2 * 892, 2 * 984]);
    for (const title of ['one', 'two', 'three', 'four', 'five']) expect(svg).toContain(`>${title}<`);
  });

  it('of fewer than a row is as wide as they are', async () => {
    const { svg } = await chartGrid([await chart('alone')], size, 2);
    expect(sizeOf(svg)).toEqual([440, 320]);
  });

  it('shows each chart as it is alone: what one clips or names is not another’s', async () => {
    const charts = [await chart('one'), await chart('two', 5)];
    const { svg, png } = await chartGrid(charts, size, 2);
    const names = [...svg.matchAll(/ id="([^"]+)"/g)].map(([, name]) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const [, name] of svg.matchAll(/url\(#([^)]+)\)/g)) expect(names).toContain(name);
    const whole = PNG.sync.read(png);
    charts.forEach((alone, i) => {
      const part = PNG.sync.read(alone.png);
      let different = 0;
      for (let y = 0; y < part.height; y++) {
        const at = (y * whole.width + 2 * i * 452) * 4;
        const [row, own] = [whole.data.subarray(at), part.data.subarray(y * part.width * 4)];
        for (let x = 0; x < part.width * 4; x++) if (Math.abs(row[x] - own[x]) > 40) different++;
      }
      expect(different).toBe(0);
    });
  });

  it('keeps a long title within its chart', async () => {
    const { svg } = await chart(long);
    const title = new RegExp(`font-size:([\\d.]+)px[^>]*>${long}<|font-size="([\\d.]+)"[^>]*>${long}<`).exec(svg)!;
    const points = Number(title[1] ?? title[2]);
    expect(points).toBeGreaterThan(7);
    expect(points).toBeLessThan(14);
    const { width, data } = PNG.sync.read((await chart(long)).png);
    const dark = (x: number) =>
      Array.from({ length: 80 }, (_, y) => data[(y * width + x) * 4]).some((red) => red < 128);
    expect(Array.from({ length: width }, (_, x) => x).filter(dark).length).toBeGreaterThan(width / 4);
    for (const x of [0, 1, 2, 3, width - 4, width - 3, width - 2, width - 1]) expect(dark(x), String(x)).toBe(false);
  });
});

describe('maps', () => {
  const points = [
    [-3, 0],
    [1, 0],
    [0, 0.5],
    [0, -0.5],
  ] as const;
  const maps = ['a', 'b', 'c', 'd'].map((title) => ({ title, points }));
  const squares = (svg: string) =>
    shapes(svg, /<rect x="([\d.]+)" y="([\d.]+)" width="(\d+)" height="\d+" fill="none"/g);

  it('stand in rows of three, each in a square with its title above it', async () => {
    const { svg } = await pointMaps('Maps', maps, [0, 1, 0, 1], ['cat', 'dog']);
    const found = squares(svg);
    expect(found.map(([x]) => x)).toEqual([16, 298, 580, 16]);
    expect(new Set(found.slice(0, 3).map(([, y]) => y)).size).toBe(1);
    expect(found[3][1] - found[0][1]).toBe(270 + 12 + 24);
    const titles = shapes(svg, /<text x="([\d.]+)" y="([\d.]+)" font-size="14" text-anchor="middle">/g);
    expect(titles).toHaveLength(4);
    titles.forEach(([x, y], i) => expect([x, y]).toEqual([found[i][0] + 135, found[i][1] - 8]));
    const [width, height] = sizeOf(svg);
    expect(width).toBe(580 + 270 + 16);
    expect(Math.abs(height - (found[3][1] + 270 + 16))).toBeLessThanOrEqual(2);
  });

  it('fill their squares with a unit as long across as down, whatever it is, and y upwards', async () => {
    for (const scale of [1e-6, 1, 1e4]) {
      const scaled = points.map(([x, y]) => [scale * x + 5, scale * y - 7] as const);
      const { svg } = await pointMaps('Map', [{ title: 'a', points: scaled }], [], []);
      const [[left, top, side]] = squares(svg);
      const circles = shapes(svg, /<circle cx="([\d.]+)" cy="([\d.]+)"/g).map(([x, y]) => [x - left, y - top]);
      const unit = (side - 20) / 4; // the points are four units wide
      const expected = points.map(([x, y]) => [10 + unit * (x + 3), side / 2 - unit * y]);
      circles.forEach(([x, y], i) => {
        expect(x).toBeCloseTo(expected[i][0], 1);
        expect(y).toBeCloseTo(expected[i][1], 1);
      });
      expect(circles).toHaveLength(4);
    }
  });

  it('of points that are all the same have them in the middle', async () => {
    const { svg } = await pointMaps(
      'Map',
      [
        {
          title: 'a',
          points: [
            [2, 3],
            [2, 3],
          ] as const,
        },
      ],
      [],
      [],
    );
    const [[left, top, side]] = squares(svg);
    for (const [x, y] of shapes(svg, /<circle cx="([\d.]+)" cy="([\d.]+)"/g))
      expect([x - left, y - top]).toEqual([side / 2, side / 2]);
  });

  it('colour a point by its group, and by its shape where there are more groups than colours; the legend says which', async () => {
    const names = Array.from({ length: 10 }, (_, group) => `class ${group}`);
    const groups = [0, 9, 3, 0];
    const { svg } = await pointMaps('Maps', maps.slice(0, 2), groups, names);
    for (const name of names) expect(svg).toContain(`>${name}<`);
    const colours = (shape: string) =>
      [...svg.matchAll(new RegExp(`<${shape} [^>]*fill="(#\\w{6})"`, 'g'))].map((m) => m[1]);
    // The legend's first eight are circles, and three points of each map; triangles are two of the legend and one of each map.
    expect(colours('circle').toSorted()).toEqual(
      [...palette, ...[0, 1].flatMap(() => [palette[0], palette[3], palette[0]])].toSorted(),
    );
    expect(colours('path').toSorted()).toEqual([palette[0], palette[1], palette[1], palette[1]].toSorted());
  });

  it('without groups are of one colour, and have no legend', async () => {
    const { svg } = await pointMaps('Maps', maps.slice(0, 1), [], []);
    expect([...svg.matchAll(/<circle /g)]).toHaveLength(4);
    expect([...svg.matchAll(/<text /g)]).toHaveLength(2); // the title, and the map's
  });

  it('keep long titles within their squares, and show what is written in them', async () => {
    const { svg } = await pointMaps(
      'Maps',
      [
        { title: long, points },
        { title: 'a < b & c', points },
      ],
      [],
      [],
    );
    expect(svg).toContain('>a &lt; b &amp; c<');
    const fontSize = Number(new RegExp(`font-size="([\\d.]+)"[^>]*>${long}<`).exec(svg)![1]);
    expect(fontSize).toBeLessThan(8);
    expect(fontSize).toBeGreaterThan(4);
  });
});
