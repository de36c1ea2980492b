import { describe, expect, it } from 'vitest';
import { constant, trace } from '../../src/graph/trace.ts';
import { tileGrid } from '../../src/methods/jigsaw.ts';
import { placeOf, relativeGrid, turnedAround } from '../../src/methods/relative_patch.ts';
import { standardized } from '../../src/nn/seeing_encoder.ts';
import {
  cutPatch,
  gridPicture,
  gridPlaces,
  gridSide,
  type PatchGrid,
  placeGrid,
  sideBySide,
} from '../../src/ssl/patch_grid.ts';
import { random } from '../../src/ssl/rng.ts';
import { noise } from '../ops/harness.ts';
import { interpret } from '../reference/interpreter.ts';

const sizes = [8, 9, 16, 31, 32, 33, 64, 96, 224];
const grids: [string, (size: number) => PatchGrid][] = [
  ['relative-patch', (size) => relativeGrid(size, { patchGap: 0.5, patchJitter: 0.07 })],
  ['relative-patch without gaps', (size) => relativeGrid(size, { patchGap: 0, patchJitter: 0 })],
  ['relative-patch with wide ones', (size) => relativeGrid(size, { patchGap: 1, patchJitter: 1 })],
  ['jigsaw', (size) => tileGrid(size, { puzzleShare: 0.94, tileShare: 0.75 })],
  ['jigsaw with tiles that fill their cells', (size) => tileGrid(size, { puzzleShare: 1, tileShare: 1 })],
];

describe.each(grids)('patches of %s', (_, gridOf) => {
  it('lie inside images of any size and form, on whole pixels', () => {
    for (const shorter of sizes)
      for (const size of [
        { height: shorter, width: shorter },
        { height: shorter, width: shorter + 13 },
        { height: 2 * shorter, width: shorter },
      ])
        for (let image = 0; image < 40; image++) {
          const draw = random(1, 0, image);
          const placement = placeGrid(gridOf(shorter), size, 0.5, draw);
          for (let place = 0; place < gridPlaces; place++) {
            const [top, left, height, width] = cutPatch(place, placement, draw).crop;
            expect([top, left, height, width].every(Number.isInteger)).toBe(true);
            expect(Math.min(top, left)).toBeGreaterThanOrEqual(0);
            expect(height).toBeGreaterThan(0);
            expect(top + height).toBeLessThanOrEqual(size.height);
            expect(left + width).toBeLessThanOrEqual(size.width);
          }
        }
  });
});

it('patches of different places have no pixel in common, as methods cut them by default', () => {
  for (const size of sizes)
    for (const grid of [
      relativeGrid(size, { patchGap: 0.5, patchJitter: 0.07 }),
      tileGrid(size, { puzzleShare: 0.94, tileShare: 0.75 }),
    ])
      expect(grid.pitch, `${size}`).toBeGreaterThanOrEqual(grid.patch + grid.room);
});

describe('geometry', () => {
  it('of a photo of 96 pixels: patches of 23 with gaps of 11, jitter of 2; tiles of 23 in cells of 30', () => {
    expect(relativeGrid(96, { patchGap: 0.5, patchJitter: 0.07 })).toEqual({ patch: 23, pitch: 34, room: 4 });
    expect(gridSide(relativeGrid(96, { patchGap: 0.5, patchJitter: 0.07 }))).toBe(95);
    expect(tileGrid(96, { puzzleShare: 0.94, tileShare: 0.75 })).toEqual({ patch: 23, pitch: 30, room: 7 });
  });

  it('a mirrored image has its places mirrored, and its patches flipped', () => {
    const placement = { grid: { patch: 4, pitch: 10, room: 0 }, top: 1, left: 2, mirrored: true };
    expect(cutPatch(0, placement, random(0))).toEqual({ crop: [1, 22, 4, 4], flip: true });
    expect(cutPatch(5, { ...placement, mirrored: false }, random(0))).toEqual({ crop: [11, 22, 4, 4], flip: false });
    expect(cutPatch(5, placement, random(0))).toEqual({ crop: [11, 2, 4, 4], flip: true });
  });

  it('refuses a grid that does not fit', () => {
    const grid = { patch: 8, pitch: 10, room: 2 };
    expect(() => placeGrid(grid, { height: 29, width: 40 }, 0, random(0))).toThrow('30 pixels does not fit');
  });

  it('seen from the other patch, the middle lies at the mirrored position', () => {
    const offset = (position: number) => [Math.floor(placeOf(position) / 3) - 1, (placeOf(position) % 3) - 1];
    const all = Array.from({ length: 8 }, (_, position) => position);
    for (const k of all) expect(offset(turnedAround(k))).toEqual(offset(k).map((d) => 0 - d));
    expect(new Set(all.map((k) => offset(k).join())).size).toBe(8);
    expect(all.map(turnedAround)).toEqual([7, 6, 5, 4, 3, 2, 1, 0]);
  });
});

const values = (build: () => ReturnType<typeof constant>): Float64Array => {
  const { graph, result } = trace(build);
  return interpret(graph).get(result)!;
};

describe('tensors of patches', () => {
  it('are normalised patch by patch and channel by channel; brightness and contrast make no difference', () => {
    const side = 5;
    const pixels = noise(2 * side * side * 4).map((v, i) => (i % 4 === 3 ? 0 : v));
    const normalised = (scale: number, offset: number) =>
      values(() =>
        standardized(
          constant(
            'patches',
            pixels.map((v, i) => (i % 4 === 3 ? 0 : v * scale + offset)),
            [2, side, side, 4],
          ),
        ),
      );
    const y = normalised(1, 0);
    for (let patch = 0; patch < 2; patch++)
      for (let c = 0; c < 4; c++) {
        const channel = Array.from({ length: side * side }, (_, i) => y[4 * (patch * side * side + i) + c]);
        const moment = (k: number) => channel.reduce((sum, v) => sum + v ** k, 0) / channel.length;
        expect(moment(1)).toBeCloseTo(0, 6);
        expect(moment(2)).toBeCloseTo(c < 3 ? 1 : 0, 5);
      }
    normalised(0.2, -3).forEach((v, i) => expect(v).toBeCloseTo(y[i], 4));
    expect([...values(() => standardized(constant('flat', new Float32Array(36).fill(0.3), [1, 3, 3, 4])))]).toEqual(
      new Array(36).fill(0),
    );
  });

  it('features lie side by side, in the order of the views', () => {
    const rows = Float32Array.from([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    expect([...values(() => sideBySide(constant('f', rows, [6, 2]), 3))]).toEqual([
      ...[1, 2, 5, 6, 9, 10],
      ...[3, 4, 7, 8, 11, 12],
    ]);
  });

  it('a picture has patches in their places, lines between and grey where there is none', () => {
    const one = { side: 1, rgb: Uint8Array.of(1, 2, 3) };
    const { side, rgb } = gridPicture([undefined, one, ...new Array(7).fill(undefined)], 1);
    expect(side).toBe(3 + 2 + 6);
    const row = 3 * (3 * side + 3);
    const colours = [...rgb.subarray(row, row + 9)];
    expect(colours).toEqual([216, 216, 216, 255, 255, 255, 1, 2, 3]);
    expect([...rgb.subarray(0, 3 * (3 * side + 3))].every((value) => value === 255)).toBe(true);
  });
});
