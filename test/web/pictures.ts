/** Pictures to open in the page. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PNG } from 'pngjs';

/** A PNG of stripes: pictures with the same hue are alike, whatever their number. */
export function picture(hue: number, stripes: number, side = 40): Buffer {
  const png = new PNG({ width: side, height: side });
  for (let i = 0; i < side * side; i++) {
    const light = 0.75 + 0.25 * Math.sin(((i % side) / side) * stripes * Math.PI);
    const channel = (shift: number) => Math.round(127 * light * (1 + Math.cos(2 * Math.PI * (hue + shift))));
    png.data.set([channel(0), channel(1 / 3), channel(2 / 3), 255], 4 * i);
  }
  return PNG.sync.write(png);
}

/** Writes a folder of pictures of three hues, in a folder each: `red/0.png`, `green/1.png`, `blue/2.png`, `red/3.png` … */
export function pictureFolder(folder: string, count: number): string {
  const hues = ['red', 'green', 'blue'];
  for (let i = 0; i < count; i++) {
    const path = join(folder, hues[i % 3], `${i}.png`);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, picture((i % 3) / 3, 1 + (i % 7)));
  }
  return folder;
}
