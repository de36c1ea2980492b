import { PNG } from 'pngjs';
import { describe, expect, it } from 'vitest';
import { Canvas, INK, WHITE } from '../../src/report/canvas.ts';
import { divergingColor, MISSING } from '../../src/report/colormap.ts';
import { GLYPH_HEIGHT, GLYPH_WIDTH, glyphRows } from '../../src/report/glyphs.ts';

const pixel = (canvas: Canvas, x: number, y: number) => [
  ...canvas.pixels.subarray((y * canvas.width + x) * 3, (y * canvas.width + x) * 3 + 3),
];

describe('Canvas', () => {
  it('fills rectangles and clips them at every edge', () => {
    const canvas = new Canvas(4, 3);
    canvas.fill(-2, -2, 3, 3, [1, 2, 3]);
    canvas.fill(3, 2, 9, 9, [4, 5, 6]);
    canvas.fill(9, 9, 2, 2, [7, 7, 7]);
    expect(pixel(canvas, 0, 0)).toEqual([1, 2, 3]);
    expect(pixel(canvas, 3, 2)).toEqual([4, 5, 6]);
    const coloured = [...canvas.pixels].filter((value) => value !== 255);
    expect(coloured).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('copies images enlarged by a whole factor', () => {
    const canvas = new Canvas(5, 5);
    canvas.blit(Uint8Array.of(1, 1, 1, 2, 2, 2), 2, 1, 1, 1, 2);
    const row = (y: number) => [0, 1, 2, 3, 4].map((x) => pixel(canvas, x, y)[0]);
    expect([0, 1, 2, 3].map(row)).toEqual([
      [255, 255, 255, 255, 255],
      [255, 1, 1, 2, 2],
      [255, 1, 1, 2, 2],
      [255, 255, 255, 255, 255],
    ]);
    expect(() => canvas.blit(new Uint8Array(5), 2, 1, 0, 0)).toThrow(/5 bytes is not 2×1 RGB/);
  });

  it('writes text as the glyphs say, at any scale', () => {
    const scale = 2;
    const canvas = new Canvas(Canvas.textWidth('1p', scale), Canvas.textHeight(scale));
    canvas.text(0, 0, '1p', INK, scale);
    [...'1p'].forEach((char, i) => {
      for (let y = 0; y < GLYPH_HEIGHT * scale; y++) {
        for (let x = 0; x < GLYPH_WIDTH * scale; x++) {
          const bits = glyphRows(char)[Math.floor(y / scale)] ?? 0;
          const set = (bits >> (GLYPH_WIDTH - 1 - Math.floor(x / scale))) & 1;
          expect(pixel(canvas, i * 6 * scale + x, y)).toEqual([...(set ? INK : WHITE)]);
        }
      }
    });
  });

  it('measures text without the gap behind it', () => {
    expect([Canvas.textWidth(''), Canvas.textWidth('a'), Canvas.textWidth('ab', 2)]).toEqual([0, 5, 22]);
  });

  it('saves a PNG that decodes to the same pixels', () => {
    const canvas = new Canvas(7, 5, [10, 20, 30]);
    canvas.fill(2, 1, 3, 2, [200, 100, 0]);
    const png = PNG.sync.read(canvas.toPng());
    expect([png.width, png.height]).toEqual([7, 5]);
    expect([...png.data].filter((_, i) => i % 4 !== 3)).toEqual([...canvas.pixels]);
    expect([...png.data].filter((_, i) => i % 4 === 3)).toEqual(Array(35).fill(255));
  });
});

describe('glyphs', () => {
  const drawn = [...'0123456789-+.,:=/%()_abcdefghijklmnopqrstuvwxyz'];

  it('are all different and fit into their cell', () => {
    expect(new Set(drawn.map((char) => glyphRows(char).join())).size).toBe(drawn.length);
    for (const char of drawn) {
      expect(glyphRows(char).length).toBeLessThanOrEqual(GLYPH_HEIGHT);
      expect(Math.max(...glyphRows(char))).toBeLessThan(2 ** GLYPH_WIDTH);
      expect(Math.max(...glyphRows(char))).toBeGreaterThan(0);
    }
  });

  it('draw capitals small, the minus sign as a hyphen, and the unknown as a box', () => {
    expect(glyphRows('A')).toBe(glyphRows('a'));
    expect(glyphRows('−')).toBe(glyphRows('-'));
    expect(glyphRows('漢')).toEqual([31, 17, 17, 17, 17, 17, 31]);
    expect(glyphRows(' ').every((row) => row === 0)).toBe(true);
  });
});

/** CIE lightness, 0 to 100. */
function lightness(color: readonly number[]): number {
  const [r, g, b] = color.map((value) => (value <= 10 ? value / 3294 : ((value / 255 + 0.055) / 1.055) ** 2.4));
  return 116 * Math.cbrt(0.2126 * r + 0.7152 * g + 0.0722 * b) - 16;
}

describe('divergingColor', () => {
  it('grows lighter away from 0, alike on both sides, so it can be read in grey', () => {
    const levels = Array.from({ length: 33 }, (_, i) => i / 32);
    for (const sign of [-1, 1]) {
      const values = levels.map((level) => lightness(divergingColor(sign * level)));
      for (let i = 1; i < values.length; i++) expect(values[i]).toBeGreaterThan(values[i - 1]);
    }
    for (const level of levels) {
      const difference = lightness(divergingColor(level)) - lightness(divergingColor(-level));
      expect(Math.abs(difference)).toBeLessThan(2);
    }
  });

  it('is plum at 0, yellow at 1, blue at −1, clamped beyond, and grey for NaN', () => {
    expect(divergingColor(0)).toEqual([87, 41, 72]);
    expect(divergingColor(1)).toEqual([255, 207, 103]);
    expect(divergingColor(-1)).toEqual([129, 231, 255]);
    expect(divergingColor(Infinity)).toEqual(divergingColor(1));
    expect(divergingColor(-7)).toEqual(divergingColor(-1));
    expect(divergingColor(NaN)).toEqual(MISSING);
  });
});
