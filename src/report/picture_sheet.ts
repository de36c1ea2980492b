/** Pictures in columns with a line under each: input, output and truth side by side. */
import { Canvas, INK } from './canvas.ts';

export interface SheetPicture {
  readonly side: number;
  /** RGB bytes, row by row. */
  readonly rgb: Uint8Array;
}

export interface SheetColumn {
  readonly label: string;
  readonly pictures: readonly SheetPicture[];
  readonly captions?: readonly string[];
}

const gap = 6;
const margin = 10;
/** Small pictures are enlarged by whole factors to about this side, so that their pixels stay square. */
const target = 80;
const line = Canvas.textHeight() + 4;

/**
 * A sheet of columns of pictures, the same number of rows in each; columns are as wide as their label, pictures and captions ask for.
 * @returns a PNG file
 */
export function pictureSheet(title: string, columns: readonly SheetColumn[]): Buffer {
  const rows = Math.max(0, ...columns.map(({ pictures }) => pictures.length));
  const shown = columns.map((column) => ({ ...column, ...sizesOf(column) }));
  const lines = (row: number) => (columns.some(({ captions }) => captions?.[row]) ? line : 0);
  const heights = Array.from(
    { length: rows },
    (_, row) => Math.max(0, ...shown.map(({ side }) => side)) + lines(row) + gap,
  );
  const labels = columns.some(({ label }) => label !== '') ? line : 0;
  const top = margin + line + labels;
  const width = shown.reduce((sum, column) => sum + column.width + gap, 2 * margin - gap);
  const canvas = new Canvas(
    Math.max(width, Canvas.textWidth(title) + 2 * margin),
    heights.reduce((sum, height) => sum + height, top + margin - gap),
  );
  canvas.text(margin, margin, title);
  let x = margin;
  for (const { label, pictures, captions = [], scale, side, width: room } of shown) {
    const centred = (text: string) => x + Math.max(0, Math.floor((room - Canvas.textWidth(text)) / 2));
    canvas.text(centred(label), margin + line, label, INK);
    let y = top;
    pictures.forEach((picture, row) => {
      canvas.blit(picture.rgb, picture.side, picture.side, x + Math.floor((room - side) / 2), y, scale);
      canvas.text(centred(captions[row] ?? ''), y + side + 2, captions[row] ?? '');
      y += heights[row];
    });
    x += room + gap;
  }
  return canvas.toPng();
}

/** How much the pictures of a column are enlarged, their side then, and the room that the column takes. */
function sizesOf({ label, pictures, captions = [] }: SheetColumn) {
  const own = pictures[0]?.side ?? 1;
  const scale = Math.max(1, Math.round(target / own));
  const texts = [label, ...captions].map((text) => Canvas.textWidth(text));
  return { scale, side: own * scale, width: Math.max(own * scale, ...texts) };
}
