import { PNG } from 'pngjs';
import { describe, expect, it } from 'vitest';
import { Canvas } from '../../src/report/canvas.ts';
import { pictureSheet } from '../../src/report/picture_sheet.ts';

const grey = (value: number, side: number) => ({ side, rgb: new Uint8Array(3 * side * side).fill(value) });

function decode(file: Buffer) {
  const png = PNG.sync.read(file);
  const rows = Array.from({ length: png.height }, (_, y) =>
    Array.from({ length: png.width }, (_, x) => png.data[4 * (y * png.width + x)]),
  );
  return { width: png.width, height: png.height, rows };
}

describe('a sheet of pictures', () => {
  it('has columns side by side, rows below each other, all enlarged to about one size', () => {
    const { rows, width } = decode(
      pictureSheet('step 3', [
        { label: 'in', pictures: [grey(50, 16), grey(60, 16)] },
        { label: 'out', pictures: [grey(70, 40), grey(80, 40)] },
      ]),
    );
    expect(width).toBe(10 + 80 + 6 + 80 + 10);
    const places = [50, 60, 70, 80].map((value) => {
      const inside = rows.flatMap((row, y) => (row.includes(value) ? [[row.indexOf(value), y]] : []));
      expect(inside.length, `${value}: high`).toBe(80);
      expect(rows[inside[0][1]].filter((v) => v === value).length, `${value}: wide`).toBe(80);
      return inside[0];
    });
    const [first, below, beside, last] = places;
    expect([below[0], beside[1], last[0], last[1]]).toEqual([first[0], first[1], beside[0], below[1]]);
    expect(below[1] - first[1]).toBe(86);
    expect(beside[0] - first[0]).toBe(86);
  });

  it('makes room for captions and for a label that is wider than the pictures', () => {
    const label = 'a label that is much wider than a picture';
    const plain = decode(pictureSheet('', [{ label: '', pictures: [grey(50, 80)] }]));
    const told = decode(pictureSheet('', [{ label, pictures: [grey(50, 80)], captions: ['90'] }]));
    expect(told.width).toBe(20 + Canvas.textWidth(label));
    expect(told.height - plain.height).toBe(2 * (Canvas.textHeight() + 4));
    const last = told.rows.findLastIndex((row) => row.includes(50));
    expect(told.rows.slice(last + 1).some((row) => row.some((value) => value < 50))).toBe(true);
  });
});
