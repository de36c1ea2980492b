/** A picture in memory: rectangles, images and text in a bitmap font, saved as PNG. No system fonts, no anti-aliasing. */

import { PNG } from 'pngjs';
import { GLYPH_HEIGHT, GLYPH_WIDTH, glyphRows } from './glyphs.ts';

/** Red, green and blue, 0 to 255. */
export type Color = readonly [red: number, green: number, blue: number];

export const WHITE: Color = [255, 255, 255];
export const INK: Color = [34, 34, 34];

/** Distance from one letter to the next, in pixels at scale 1. */
const ADVANCE = GLYPH_WIDTH + 1;

export class Canvas {
  /** RGB, row by row. */
  readonly pixels: Uint8Array;

  constructor(
    readonly width: number,
    readonly height: number,
    background: Color = WHITE,
  ) {
    this.pixels = new Uint8Array(width * height * 3);
    this.fill(0, 0, width, height, background);
  }

  /** Width of a text in pixels, without the gap after its last letter. */
  static textWidth(text: string, scale = 1): number {
    return Math.max(0, [...text].length * ADVANCE - 1) * scale;
  }

  /** Height of a line of text in pixels, letters below the line included. */
  static textHeight(scale = 1): number {
    return GLYPH_HEIGHT * scale;
  }

  /** Fills a rectangle; what lies outside the picture is clipped. */
  fill(x: number, y: number, width: number, height: number, color: Color): void {
    const right = Math.min(this.width, x + width);
    const bottom = Math.min(this.height, y + height);
    for (let row = Math.max(0, y); row < bottom; row++) {
      for (let column = Math.max(0, x); column < right; column++) {
        this.pixels.set(color, (row * this.width + column) * 3);
      }
    }
  }

  /** Copies an RGB image (HWC bytes), each of its pixels as a square of `scale`. */
  blit(image: Uint8Array, width: number, height: number, x: number, y: number, scale = 1): void {
    if (image.length !== width * height * 3) {
      throw new Error(`[blit] image of ${image.length} bytes is not ${width}×${height} RGB`);
    }
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        const at = (row * width + column) * 3;
        const color: Color = [image[at], image[at + 1], image[at + 2]];
        this.fill(x + column * scale, y + row * scale, scale, scale, color);
      }
    }
  }

  /** Writes a line of text with its upper left corner at (x, y). */
  text(x: number, y: number, text: string, color: Color = INK, scale = 1): void {
    [...text].forEach((char, i) => {
      glyphRows(char).forEach((bits, row) => {
        for (let column = 0; column < GLYPH_WIDTH; column++) {
          if ((bits >> (GLYPH_WIDTH - 1 - column)) & 1) {
            this.fill(x + (i * ADVANCE + column) * scale, y + row * scale, scale, scale, color);
          }
        }
      });
    });
  }

  /** The picture as a PNG file. */
  toPng(): Buffer {
    const png = new PNG({ width: this.width, height: this.height });
    for (let from = 0, to = 0; from < this.pixels.length; from += 3, to += 4) {
      png.data.set([this.pixels[from], this.pixels[from + 1], this.pixels[from + 2], 255], to);
    }
    return PNG.sync.write(png, { colorType: 2 });
  }
}
