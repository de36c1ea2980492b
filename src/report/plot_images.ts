/** Pictures in rows, with a label before each row and a caption under each picture. */

import { Canvas } from './canvas.ts';
import type { Chart } from './plot_render.ts';
import { textSize, textWidth } from './plot_style.ts';
import { dataUri, figure, text } from './plot_svg.ts';

export interface Tile {
  /** A square RGB image, HWC bytes. */
  readonly pixels: Uint8Array;
  /** Lines under the picture. */
  readonly caption?: readonly string[];
}

export interface ImageRow {
  readonly label?: string;
  readonly tiles: readonly Tile[];
}

const gap = 6;
const margin = 16;
const captionSize = 12;
const captionLine = 16;

/** Pictures are enlarged by whole factors to about `tile` pixels, so that their own pixels stay square. */
export function imageRows(title: string, rows: readonly ImageRow[], tile = 96): Promise<Chart> {
  const side = Math.sqrt((rows[0]?.tiles[0]?.pixels.length ?? 0) / 3);
  if (!Number.isInteger(side) || side === 0) throw new Error('[imageRows] needs square RGB images');
  const scale = Math.max(1, Math.round(tile / side));
  const labels = rows.map(({ label = '' }) => textWidth(label, textSize.tick));
  const left = margin + (Math.max(...labels) > 0 ? Math.max(...labels) + 12 : 0);
  const captions = rows.flatMap(({ tiles }) => tiles.flatMap(({ caption = [] }) => caption));
  const pitch = Math.max(side * scale, ...captions.map((line) => textWidth(line, captionSize))) + gap;
  const parts: string[] = [];
  let y = margin + textSize.title + 18;
  for (const { label = '', tiles } of rows) {
    parts.push(text(left - 12, y + (side * scale) / 2 + 5, label, { size: textSize.tick, anchor: 'end' }));
    tiles.forEach((item, i) => {
      const x = left + i * pitch + (pitch - gap - side * scale) / 2;
      parts.push(picture(item.pixels, side, scale, x, y));
      item.caption?.forEach((line, k) => {
        const style = { size: captionSize, anchor: 'middle' } as const;
        parts.push(text(x + (side * scale) / 2, y + side * scale + captionLine * (k + 1) - 2, line, style));
      });
    });
    const lines = Math.max(0, ...tiles.map(({ caption = [] }) => caption.length));
    y += side * scale + gap + (lines > 0 ? lines * captionLine + 4 : 0);
  }
  const columns = Math.max(...rows.map(({ tiles }) => tiles.length));
  const width = Math.max(left + columns * pitch - gap + margin, textWidth(title, textSize.title) * 1.1 + 2 * margin);
  parts.push(text(width / 2, margin + textSize.title, title, { size: textSize.title, anchor: 'middle', bold: true }));
  return figure(width, y + margin - gap, parts);
}

function picture(pixels: Uint8Array, side: number, scale: number, x: number, y: number): string {
  const canvas = new Canvas(side * scale, side * scale);
  canvas.blit(pixels, side, side, 0, 0, scale);
  const size = side * scale;
  return `<image x="${x}" y="${y}" width="${size}" height="${size}" href="${dataUri('image/png', canvas.toPng())}"/>`;
}
