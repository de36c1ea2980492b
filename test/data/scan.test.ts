/** Walks through folders that are no plain trees: links upwards, names that are no text, the system's own folders. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { openDataset } from '../../src/data/dataset.ts';
import { emptyClassFolders } from '../../src/data/empty_classes.ts';
import { loadPhotos } from '../../src/data/folder.ts';
import { scanPhotos } from '../../src/data/scan.ts';
import { picture, temporaryFolder, writeTree } from './helpers.ts';

const root = temporaryFolder();
const photo = await picture(8, 8, () => [1, 2, 3])
  .png()
  .toBuffer();
let folder: string;
let serial = 0;
beforeEach(() => {
  folder = join(root, String(serial++), 'photos');
  mkdirSync(folder, { recursive: true });
});

describe('links', () => {
  it('to a folder around the set add what is beside it, not the set again', async () => {
    writeTree(folder, { 'a.png': photo, 'sub/b.png': photo });
    writeTree(join(folder, '..'), { 'beside/c.png': photo, 'd.png': photo });
    symlinkSync('..', join(folder, 'up'));
    symlinkSync(join('..', '..'), join(folder, 'sub', 'up'));
    const { files } = await scanPhotos(folder);
    expect(files).toEqual(['a.png', 'sub/b.png', 'up/beside/c.png', 'up/d.png']);
  });

  it('to a folder that another link leads into count once', async () => {
    writeTree(folder, { 'a.png': photo });
    const far = writeTree(join(folder, '..', 'far'), { 'b.png': photo, 'deep/c.png': photo });
    symlinkSync(far, join(folder, 'one'));
    symlinkSync(join(far, 'deep'), join(folder, 'two'));
    expect((await scanPhotos(folder)).files).toEqual(['a.png', 'one/b.png', 'one/deep/c.png']);
  });
});

/** A path whose last name is bytes that are no UTF-8. */
const bytes = (name: string): Buffer => Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(name, 'latin1')]);
const takesBytes = process.platform === 'linux';

describe.skipIf(!takesBytes)(
  `names that are not UTF-8${takesBytes ? '' : ' (skipped: only Linux allows them)'}`,
  () => {
    it('are told as such; the others load', async () => {
      writeTree(folder, { 'a/1.png': photo, 'b/1.png': photo, 'a/\ufffd.png': photo });
      writeFileSync(bytes('a/\xe4.png'), photo);
      writeFileSync(bytes('a/\xff.txt'), 'no photo');
      mkdirSync(bytes('\xfcber'));
      mkdirSync(join(folder, 'empty'));
      const set = await loadPhotos(folder, { size: 8 });
      expect(set.files).toEqual(['a/1.png', 'a/\ufffd.png', 'b/1.png']); // one is called U+FFFD, and is no fault
      const reason = 'its name is not UTF-8: rename it';
      expect(set.skipped).toEqual([
        { file: '\ufffdber', reason },
        { file: 'a/\ufffd.png', reason },
      ]);
      expect(emptyClassFolders(set)).toEqual(['empty']);
    });

    it('are the reason where there is nothing else', async () => {
      writeFileSync(bytes('\xe4.png'), photo);
      await expect(loadPhotos(folder, { size: 8 })).rejects.toThrow('; \ufffd.png: its name is not UTF-8: rename it');
      await expect(loadPhotos(`${folder}/\ufffd`, { size: 8 })).rejects.toThrow(
        '/\ufffd: its name is not UTF-8: rename it',
      );
    });
  },
);

const isLinux = process.platform === 'linux';

describe.skipIf(!isLinux)(`the system's folders${isLinux ? '' : ' (skipped: this is not Linux)'}`, () => {
  it.each(['/proc', '/proc/self', '/sys'])('%s is refused at once', async (path) => {
    const opened = openDataset(path, { split: 'unlabeled', size: 8 });
    await expect(opened).rejects.toThrow(
      /^\/(proc|sys).*: a view of the system \((proc|sysfs)\), which holds no photos; give another folder$/,
    );
  });

  it('are passed over where a walk comes to them', async () => {
    writeTree(folder, { 'a.png': photo });
    symlinkSync('/proc', join(folder, 'p'));
    symlinkSync('/sys', join(folder, 's'));
    const { files, leftOut } = await scanPhotos(folder);
    expect(files).toEqual(['a.png']);
    expect(leftOut).toEqual([
      { path: 'p', why: 'system' },
      { path: 's', why: 'system' },
    ]);
  });

  it('but a folder that is only named through them is one like any other', async () => {
    writeTree(folder, { 'a.png': photo });
    expect((await scanPhotos(`/proc/self/root${folder}`)).files).toEqual(['a.png']);
  });
});
