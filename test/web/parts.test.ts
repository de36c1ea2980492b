/** Parts of the page that need no browser. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { browserOf } from '../../src/web/page/browsers.ts';
import { fields, type NumberField, readNumber } from '../../src/web/page/fields.ts';
import { chosenFiles } from '../../src/web/page/files.ts';
import { duration, rate, short } from '../../src/web/page/format.ts';
import { History, smoothed } from '../../src/web/page/history.ts';
import { placeAfter } from '../../src/web/page/roving.ts';
import { Store } from '../../src/web/page/store.ts';
import { suggested } from '../../src/web/page/suggestions.ts';
import { fitting, moved, nearest, onCanvas, onPlane, zoomed } from '../../src/web/page/viewport.ts';
import { readAddress } from '../../src/web/page/views.ts';

const unit = fc.float({ min: -1, max: 1, noNaN: true });
const places = fc
  .array(unit, { minLength: 4, maxLength: 80 })
  .map((all) => Float32Array.from(all.slice(0, all.length & ~1)));

describe('the map’s viewport', () => {
  it('shows all positions, with space around them', () => {
    fc.assert(
      fc.property(places, (positions) => {
        const view = fitting(positions, 500, 300);
        for (let i = 0; i < positions.length; i += 2) {
          const [x, y] = onCanvas(view, positions[i], positions[i + 1]);
          expect(x >= 35.9 && x <= 464.1 && y >= 35.9 && y <= 264.1).toBe(true);
        }
      }),
    );
  });

  it('zooms around a place, which stays where it is, and within limits', () => {
    const view = fitting([-1, -1, 1, 1], 400, 400);
    const before = onPlane(view, 120, 90);
    const after = onPlane(zoomed(view, 3, view.scale, 120, 90), 120, 90);
    expect(after[0]).toBeCloseTo(before[0], 9);
    expect(after[1]).toBeCloseTo(before[1], 9);
    expect(zoomed(view, 1e9, view.scale).scale).toBe(200 * view.scale);
    expect(zoomed(view, 1e-9, view.scale).scale).toBe(0.5 * view.scale);
  });

  it('moves with the pointer, and not away from all', () => {
    const view = fitting([-1, -1, 1, 1], 400, 400);
    const [x, y] = onCanvas(moved(view, 30, -20), 0, 0);
    expect([x, y]).toEqual([230, 180]);
    expect(moved(view, 1e6, 1e6)).toMatchObject({ x: -1.2, y: 1.2 });
  });

  it('finds the nearest position within reach', () => {
    const positions = [0, 0, 0.5, 0, -0.5, 0.5];
    const view = fitting([-1, -1, 1, 1], 272, 272);
    expect(nearest(view, positions, ...onCanvas(view, 0.45, 0.02))).toBe(1);
    expect(nearest(view, positions, ...onCanvas(view, 0.45, 0.02), 2)).toBeUndefined();
    expect(nearest(view, [], 10, 10)).toBeUndefined();
  });
});

describe('arrow keys in a grid', () => {
  const grid = { columns: 4, count: 10, page: 2 };
  it.each([
    ['ArrowRight', 3, 4],
    ['ArrowRight', 9, 9],
    ['ArrowLeft', 0, 0],
    ['ArrowDown', 1, 5],
    ['ArrowDown', 7, 9],
    ['ArrowDown', 8, 8],
    ['ArrowUp', 2, 2],
    ['ArrowUp', 9, 5],
    ['PageDown', 1, 9],
    ['Home', 7, 0],
    ['End', 2, 9],
    ['x', 2, undefined],
  ])('%s from %i leads to %s', (key, from, to) => {
    expect(placeAfter(key, from, grid)).toBe(to);
  });
});

it.each([
  ['Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0', 'Firefox on Linux'],
  ['Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0', 'Firefox'],
  ['Mozilla/5.0 (Android 15; Mobile; rv:145.0) Gecko/145.0 Firefox/145.0', 'Firefox'],
  [
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36',
    'Chromium on Linux',
  ],
  [
    'Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Mobile Safari/537.36',
    'Chrome, Edge or another Chromium',
  ],
  [
    'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36',
    'Chrome, Edge or another Chromium',
  ],
  [
    'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15',
    'Safari, or any browser on an iPhone or iPad',
  ],
  [
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) FxiOS/150.0 Mobile/15E148 Safari/605.1.15',
    'Safari, or any browser on an iPhone or iPad',
  ],
  ['Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15', undefined],
])('%s is found among browsers', (agent, name) => {
  expect(browserOf(agent)?.name).toBe(name);
});

it('files are pictures in the order of their names, below the folder that all are in', () => {
  const file = (path: string, type = 'image/png') =>
    Object.assign(new File(['x'], path.split('/').at(-1)!, { type }), { webkitRelativePath: path });
  const given = ['all/b/10.png', 'all/b/9.png', 'all/a.heic', 'all/.b/1.png', 'all/__MACOSX/1.png'].map((path) =>
    file(path),
  );
  const others = [
    file('all/c.txt', 'text/plain'),
    file('all/d.svg', 'image/svg+xml'),
    file('all/e.jpeg', ''),
    file('all/f', ''),
  ];
  const { photos, others: passed } = chosenFiles([...given, ...others]);
  expect(photos.map(({ name }) => name)).toEqual(['a.heic', 'b/9.png', 'b/10.png', 'e.jpeg']);
  expect(passed).toBe(3);
});

it('losses are kept by their steps, and those that come again replace what was before', () => {
  const history = new History();
  for (const [step, loss] of [
    [1, 4],
    [2, 3],
    [4, 2],
    [5, 1],
  ])
    history.add(step, loss);
  expect([1, 2, 3, 4, 5].map((step) => history.at(step))).toEqual([4, 3, 3, 2, 1]);
  history.add(3, 2.5);
  expect(history.length).toBe(3);
  history.add(4, 0.5);
  expect(history.buckets(2)).toEqual([
    { step: 1.5, mean: 3.5, least: 3, most: 4 },
    { step: 3.5, mean: 1.5, least: 0.5, most: 2.5 },
  ]);
});

it('a smoothed constant is that constant, from its first value on', () => {
  for (const value of smoothed([3, 3, 3, 3], 0.9)) expect(value).toBeCloseTo(3, 12);
});

it('numbers are read, a decimal comma too, and told when they are wrong', () => {
  const field = (name: string) => fields.find((candidate) => candidate.name === name) as NumberField;
  expect(readNumber(' 0,5 ', field('temperature'))).toEqual({ value: 0.5 });
  expect(readNumber('1e-3', field('lr'))).toEqual({ value: 0.001 });
  for (const text of ['', '0', '-1', 'NaN', 'Infinity', '11'])
    expect(readNumber(text, field('lr'))).toHaveProperty('fault');
  expect(readNumber('8', field('batchSize'), { value: 7, reason: 'there are 7 photos' })).toEqual({
    fault: 'Batch size must be a whole number from 2 to 7: there are 7 photos.',
  });
});

it('what is suggested can be trained, with any number of photos', () => {
  for (const software of [true, false]) {
    for (const photos of [2, 3, 7, 30, 280, 5000, 100_000]) {
      const { batchSize, epochs } = suggested({ software } as never, photos);
      expect(batchSize).toBeGreaterThanOrEqual(2);
      expect(batchSize).toBeLessThanOrEqual(photos);
      expect(epochs).toBeGreaterThanOrEqual(1);
    }
  }
});

it('times and counts are worded for people', () => {
  expect([2, 42, 600, 5400, 4.2e4, Number.NaN].map(duration)).toEqual([
    'a few seconds',
    '45 s',
    '10 min',
    '1 h 30 min',
    '11 h 40 min',
    'unknown',
  ]);
  expect([short(11_176_512), rate(3.14), rate(1234.5)]).toEqual(['11.2M', '3.1', '1,235']);
});

it('an address names a view, and what is shown in it', () => {
  expect(readAddress('#search/12')).toEqual({ view: 'search', rest: '12' });
  expect(readAddress('')).toEqual({ view: 'photos', rest: '' });
  expect(readAddress('#elsewhere/1')).toEqual({ view: 'photos', rest: '' });
});

it('those who watch a field hear of its changes only, also of those that are made meanwhile', () => {
  const store = new Store({ a: 1, b: 1 });
  const heard: string[] = [];
  store.watch(['a'], ({ a, b }) => {
    heard.push(`a${a} b${b}`);
    if (a === 2) store.set({ b: 2 });
  });
  store.watch(['b'], ({ b }) => heard.push(`b${b}`));
  store.set({ a: 2 });
  store.set({ a: 2 });
  expect(heard).toEqual(['a1 b1', 'b1', 'a2 b1', 'b2']);
});
