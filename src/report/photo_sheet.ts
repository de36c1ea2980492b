/** A contact sheet of photographs: each as it is, not cut to a square, with lines of text under it. */
import sharp from 'sharp';
import type { Chart } from './plot_render.ts';
import { ink, textSize, textWidth } from './plot_style.ts';
import { dataUri, figure, rect, text } from './plot_svg.ts';

/** A picture's file, or its pixels where it has no file of its own. */
export type Photo = { readonly file: string } | { readonly pixels: Uint8Array; readonly side: number };

export interface PhotoTile {
  readonly photo: Photo;
  /** Lines under the picture; what is too long for it is cut in the middle. */
  readonly caption: readonly string[];
}

/** Height of a picture on the sheet; one that is wider than `widest` is lower. */
const height = 180;
const widest = 2 * height;
/** Narrow pictures still leave room for their captions. */
const narrowest = 132;
/** Pixels that are kept of a picture for one of the sheet: the PNG has twice its size. */
const density = 2;
const gap = 12;
const margin = 16;
const captionSize = 12;
const questionSize = 14;
const captionLine = 16;

/**
 * Draws rows of photographs; the first of each row, the question, is set apart from the others, the answers.
 * @param questions in words, a line above each row, all of whose photographs are answers then
 */
export async function photoSheet(
  title: string,
  rows: readonly (readonly PhotoTile[])[],
  questions?: readonly string[],
): Promise<Chart> {
  const parts: string[] = [];
  let y = margin + textSize.title + 18;
  let right = textWidth(title, textSize.title) * 1.1 + 2 * margin;
  for (const [number, tiles] of rows.entries()) {
    let x = margin;
    if (questions) {
      parts.push(text(x, y + questionSize, questions[number], { size: questionSize, bold: true }));
      right = Math.max(right, textWidth(questions[number], questionSize) * 1.1 + 2 * margin);
      y += questionSize + gap;
    }
    for (const [i, { photo, caption }] of tiles.entries()) {
      const picture = await draw(photo);
      const room = Math.max(narrowest, picture.width);
      const [left, top] = [x + (room - picture.width) / 2, y + height - picture.height];
      parts.push(
        `<image x="${left}" y="${top}" width="${picture.width}" height="${picture.height}" href="${picture.uri}"/>`,
      );
      for (const [k, line] of caption.entries()) {
        const style = { size: captionSize, anchor: 'middle', bold: !questions && i === 0 && k === 0 } as const;
        parts.push(
          text(
            x + room / 2,
            y + height + captionLine * (k + 1) - 1,
            shorten(line, style.bold ? 0.9 * room : room),
            style,
          ),
        );
      }
      x += room + gap;
      if (i > 0 || questions) continue;
      parts.push(rect(x, y, 2, height, ink));
      x += 2 + gap;
    }
    right = Math.max(right, x - gap + margin);
    y += height + captionLine * Math.max(...tiles.map(({ caption }) => caption.length)) + gap + 6;
  }
  parts.push(text(margin, margin + textSize.title, title, { size: textSize.title, bold: true }));
  return figure(right, y + margin - gap, parts, density);
}

interface Drawn {
  /** On the sheet. */
  readonly width: number;
  readonly height: number;
  readonly uri: string;
}

/** A picture upright and at the size of the sheet, its proportions kept. */
async function draw(photo: Photo): Promise<Drawn> {
  const image =
    'file' in photo
      ? sharp(photo.file, { failOn: 'error' }).rotate()
      : sharp(photo.pixels, { raw: { width: photo.side, height: photo.side, channels: 3 } });
  const { data, info } = await image
    .flatten({ background: '#000000' })
    .toColourspace('srgb')
    .resize(density * widest, density * height, { fit: 'inside' })
    .jpeg({ quality: 90 })
    .toBuffer({ resolveWithObject: true });
  return { width: info.width / density, height: info.height / density, uri: dataUri('image/jpeg', data) };
}

/** A text that is no wider than `room`: its beginning and its end. */
export function shorten(line: string, room: number): string {
  if (textWidth(line, captionSize) <= room) return line;
  const letters = [...line];
  for (let kept = letters.length - 1; kept > 1; kept--) {
    const head = Math.floor(kept / 2);
    const short = `${letters.slice(0, head).join('')}…${letters.slice(letters.length - (kept - head)).join('')}`;
    if (textWidth(short, captionSize) <= room) return short;
  }
  return '…';
}
