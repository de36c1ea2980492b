import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PNG } from 'pngjs';
import { expect, it } from 'vitest';
import { emptyClassFolders } from '../../src/data/empty_classes.ts';
import { loadPhotos } from '../../src/data/folder.ts';
import { temporaryFolder } from './helpers.ts';

const root = temporaryFolder();

it('class folders without readable images are named and are no classes; labels and files stay together', async () => {
  const photos = join(root, 'photos');
  for (const name of ['ant', 'bee', 'cat', 'dog', '.hidden']) mkdirSync(join(photos, name), { recursive: true });
  for (const name of ['ant', 'cat'])
    writeFileSync(join(photos, name, '1.png'), PNG.sync.write(new PNG({ width: 9, height: 5 })));
  writeFileSync(join(photos, 'bee', 'broken.jpg'), 'no JPEG');
  const set = await loadPhotos(photos, { size: 8 });
  expect(emptyClassFolders(set)).toEqual(['bee', 'dog']);
  expect(set.classNames).toEqual(['ant', 'cat']);
  expect([...set.labels!]).toEqual([0, 1]);
  expect([0, 1].map((i) => set.source!(i))).toEqual(['ant', 'cat'].map((name) => join(photos, name, '1.png')));
});

it('photos without classes have no class folders', async () => {
  const flat = join(root, 'flat');
  mkdirSync(join(flat, 'empty'), { recursive: true });
  writeFileSync(join(flat, '1.png'), PNG.sync.write(new PNG({ width: 9, height: 5 })));
  expect(emptyClassFolders(await loadPhotos(flat, { size: 8 }))).toEqual([]);
});
