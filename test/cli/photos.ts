import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PNG } from 'pngjs';
import { sampleSet } from '../../src/data/sample/sample.ts';

/** Makes a folder of PNG files of the very size that the network takes, so that nothing is resized. @returns the folder */
export function drawnPhotos(folder: string, count: number, size: number): string {
  mkdirSync(folder);
  const set = sampleSet('test', count, size);
  for (let i = 0; i < count; i++) {
    const rgb = Buffer.alloc(size * size * 3);
    set.read(i, rgb, 0);
    const png = PNG.sync.write(Object.assign(new PNG({ width: size, height: size }), { data: rgb }), {
      inputColorType: 2,
      colorType: 2,
      inputHasAlpha: false,
    });
    writeFileSync(join(folder, `${String(i).padStart(3, '0')}.png`), png);
  }
  return folder;
}
