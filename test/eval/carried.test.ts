import { expect, it } from 'vitest';
import { coloursAsCargo, masksAsCargo } from '../../src/eval/carried.ts';
import { overlaps } from '../../src/eval/region_similarity.ts';
import type { Pixels } from '../../src/ssl/pixels.ts';

const grey: Pixels = { side: 2, rgb: new Uint8Array(12).fill(90) };
const labels = (...values: number[]) => Uint8Array.from(values);

it('overlaps are of each object, and 1 where neither mask has it', () => {
  expect(overlaps(labels(1, 1, 0, 2), labels(1, 0, 0, 2), [1, 2, 3])).toEqual([0.5, 1, 1]);
  expect(overlaps(labels(1, 1, 1, 0), labels(0, 2, 2, 2), [1, 2])).toEqual([0, 0]);
});

it('masks: a pixel is of what it has most of; scores are beside those of the first mask', async () => {
  const first = labels(1, 1, 0, 2);
  const truths = [first, labels(0, 1, 1, 2), undefined];
  const cargo = masksAsCargo(2, [0, 0xff0000, 0x00ff00], async (t) => truths[t], first);
  expect(Array.from(cargo.first)).toEqual([0, 1, 0, 0, 1, 0, 1, 0, 0, 0, 0, 1]);
  const values = Float32Array.from([0.6, 0.4, 0, 0.1, 0.5, 0.4, 0.2, 0.5, 0.3, 0.3, 0.3, 0.4]);
  const given = await cargo.arrive(0, grey, values);
  expect(given.scores).toBeUndefined();
  const { pictures, scores } = await cargo.arrive(1, grey, values);
  expect(scores).toEqual({ carried: [1, 1], samePlace: [1 / 3, 1] });
  const [frame, carried, truth] = pictures;
  expect(frame).toBe(grey);
  expect(carried).toEqual(truth);
  // Of object 1 red over grey: (90 + 2 · 255) / 3.
  expect(Array.from(carried.rgb.subarray(0, 6))).toEqual([90, 90, 90, 200, 30, 30]);
  const unknown = await cargo.arrive(2, grey, values);
  expect([unknown.scores, unknown.pictures[2]]).toEqual([undefined, undefined]);
  expect(unknown.mask!.length).toBeGreaterThan(50);
});

it('masks: objects have colours that differ', async () => {
  const all = Uint8Array.from({ length: 16 }, (_, i) => i);
  const frame = { side: 4, rgb: new Uint8Array(48).fill(120) };
  const cargo = masksAsCargo(
    4,
    Array.from(all, (label) => 5 * label),
    async () => undefined,
    all,
  );
  const { pictures } = await cargo.arrive(0, frame, cargo.first);
  const { rgb } = pictures[1];
  const colours = Array.from(all, (i) => Array.from(rgb.subarray(3 * i, 3 * i + 3)));
  for (const [i, one] of colours.entries())
    for (const other of colours.slice(0, i))
      expect(Math.hypot(...one.map((value, c) => value - other[c])), `${one} and ${other}`).toBeGreaterThan(20);
});

it('colours: distances are in a and b of Lab, beside those of the first frame’s as they were carried', async () => {
  const red: Pixels = { side: 1, rgb: Uint8Array.of(255, 0, 0) };
  const blue: Pixels = { side: 1, rgb: Uint8Array.of(0, 0, 255) };
  const cargo = coloursAsCargo((t) => (t === 0 ? red : blue));
  // Of sRGB: red has a 80.1, b 67.2, and blue a 79.2, b −107.9.
  const [a, b] = cargo.first;
  expect([a, b].map(Math.round)).toEqual([80, 67]);
  expect((await cargo.arrive(0, red, cargo.first)).scores).toBeUndefined();
  const { scores, pictures } = await cargo.arrive(1, blue, Float32Array.of(79.19, -77.86));
  expect(scores!.carried[0]).toBeCloseTo(30, 0);
  expect(scores!.samePlace[0]).toBeCloseTo(175.1, 0);
  const [lightness, , truth] = pictures;
  expect(new Set(lightness.rgb).size).toBe(1);
  expect(truth).toBe(blue);
});
