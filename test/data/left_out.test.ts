/** What in a data folder is no data: results of this program, packages, and what the user excludes. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PNG } from 'pngjs';
import { describe, expect, it } from 'vitest';
import { openDataset } from '../../src/data/dataset.ts';
import { inventoryDifference, inventoryDigest, writeInventory } from '../../src/data/inventory.ts';
import { checkResultsPlace, markResults } from '../../src/data/results_folder.ts';
import { ensureSampleSet } from '../../src/data/sample/sample.ts';
import { scratchFolder } from '../cli/run.ts';

const scratch = scratchFolder();
let made = 0;

/** A data folder with these files; pictures are pictures. */
function folderWith(...files: (string | readonly [string, string])[]): string {
  const folder = join(scratch, String(made++));
  mkdirSync(folder);
  for (const entry of files) {
    const [file, text] = typeof entry === 'string' ? [entry, undefined] : entry;
    mkdirSync(join(folder, file, '..'), { recursive: true });
    writeFileSync(join(folder, file), text ?? PNG.sync.write(new PNG({ width: 8 + file.length, height: 8 })));
  }
  return folder;
}

const open = (folder: string, exclude?: readonly string[]) =>
  openDataset(folder, { split: 'unlabeled', size: 8, exclude });
const run = (settings: object) => JSON.stringify({ version: 1, settings, images: 3, adapter: 'x' });

describe('results', () => {
  it.each([
    ['a run', 'config.json', run({ lr: 1 })],
    ['a supervised training', 'config.json', JSON.stringify({ version: 1, mode: 'frozen', settings: {} })],
    ['an experiment', 'experiment.json', JSON.stringify({ version: 1, pretrain: {}, supervised: {} })],
    ['an evaluation', 'tsne.json', JSON.stringify({ evaluation: 'tsne', title: '' })],
  ])('of older versions, known by their content: %s', async (_what, file, text) => {
    const folder = folderWith('a.png', 'b.png', 'out/deep/figures/x.png', 'out/x.png', [`out/${file}`, text]);
    const { train, leftOut } = await open(folder);
    expect(train.files).toEqual(['a.png', 'b.png']);
    expect(leftOut).toEqual([{ path: 'out', why: 'results' }]);
  });

  it('are known by their marker', async () => {
    const folder = folderWith('a.png', 'out/x.png');
    expect((await open(folder)).train.count).toBe(2);
    markResults(join(folder, 'out'));
    expect((await open(folder)).train.files).toEqual(['a.png']);
    expect((await open(join(folder, 'out'))).train.files).toEqual(['x.png']); // who names it means it
  });

  it('of other programs are data, whatever their files are called', async () => {
    const folder = folderWith('a.png', ['o/config.json', '{"version":1}'], 'o/b.png', ['p/tsne.json', '['], 'p/c.png');
    expect((await open(folder)).train.count).toBe(3);
  });

  it('do not go where photos are', () => {
    const folder = folderWith('cats/a.png');
    expect(() => checkResultsPlace(folder)).toThrow(
      `${folder}: holds photos (cats/a.png), and results would be mixed with them; choose another --out, such as ${folder}/results`,
    );
    checkResultsPlace(join(folder, 'results'));
    markResults(join(folder, 'cats'));
    checkResultsPlace(folder);
  });

  it('beside train/ do not make a class of it', async () => {
    const photos = ['x/1.png', 'x/2.png', 'y/1.png', 'y/2.png'].map((file) => `train/${file}`);
    const folder = folderWith(...photos, 'runs/f.png', ['runs/config.json', run({})]);
    const { train } = await open(folder);
    expect(train.classNames).toEqual(['x', 'y']);
  });
});

it('packages are left out, hidden folders silently', async () => {
  const folder = folderWith('a.png', 'app/node_modules/icons/x.png', '.git/x.png', '@eaDir/x.png');
  const { train, leftOut } = await open(folder);
  expect(train.files).toEqual(['a.png']);
  expect(leftOut).toEqual([{ path: 'app/node_modules', why: 'packages' }]);
  await expect(open(folderWith('node_modules/x.png'))).rejects.toThrow(
    /no photos .*node_modules was left out: it holds packages/,
  );
});

describe('--exclude', () => {
  const files = [
    'a.png',
    'a_small.png',
    'drafts/b.png',
    'drafts/deep/c.png',
    'trip/drafts/d.png',
    'trip/e_small.png',
    '[x].png',
  ];

  it.each([
    [['*_small.png'], ['[x].png', 'a.png', 'drafts/b.png', 'drafts/deep/c.png', 'trip/drafts/d.png']],
    [['drafts'], ['[x].png', 'a.png', 'a_small.png', 'trip/e_small.png']],
    [['./drafts/deep/'], ['[x].png', 'a.png', 'a_small.png', 'drafts/b.png', 'trip/drafts/d.png', 'trip/e_small.png']],
    [
      ['drafts/**', 'trip'],
      ['[x].png', 'a.png', 'a_small.png'],
    ],
    [['**/{b,c,d}.png', '*_small.*', '\\[x\\].png'], ['a.png']],
  ])('%s', async (exclude, left) => {
    const { train, unusedExcludes } = await open(folderWith(...files), exclude);
    expect(train.files).toEqual(left);
    expect(unusedExcludes).toEqual([]);
  });

  it('tells which globs match nothing, and refuses what cannot match', async () => {
    const { train, leftOut, unusedExcludes } = await open(folderWith('a.png', 'b.png'), ['b.png', '*.jpeg']);
    expect(train.files).toEqual(['a.png']);
    expect(leftOut).toEqual([{ path: 'b.png', why: 'excluded' }]);
    expect(unusedExcludes).toEqual(['*.jpeg']);
    await expect(open(folderWith('a.png'), ['./'])).rejects.toThrow(/--exclude '.\/': matches no file/);
    await expect(open(folderWith('a.png'), ['a.png'])).rejects.toThrow(/no photos .*a.png was left out: --exclude/);
  });

  it('is by the path in the data folder, splits included', async () => {
    const folder = folderWith('train/x/1.png', 'train/x/2.png', 'train/y/1.png', 'test/x/1.png', 'test/y/1.png');
    const { train, files } = await open(folder, ['train/x/2.png']);
    expect(train.count).toBe(2);
    expect(files.map(({ file }) => file)).not.toContain('train/x/2.png');
    expect(files).toHaveLength(4);
  });

  it('is for photos', async () => {
    const folder = join(scratch, 'sample');
    ensureSampleSet(folder, { train: 10, test: 10, unlabeled: 10 });
    await expect(open(folder, ['x'])).rejects.toThrow(/--exclude is for folders of photos/);
  });
});

describe('the list of images', () => {
  it('differs where a file was added, removed or has another size, and names it', async () => {
    const folder = folderWith('a.png', 'b.png', 'c/d.png');
    const keep = folderWith();
    const before = (await open(folder)).files;
    const digest = inventoryDigest(before);
    writeInventory(keep, before);
    expect(inventoryDifference(keep, digest, (await open(folder)).files)).toBeUndefined();
    expect(inventoryDigest([...before].reverse())).toBe(digest);

    rmSync(join(folder, 'a.png'));
    writeFileSync(join(folder, 'new.png'), PNG.sync.write(new PNG({ width: 40, height: 40 })));
    writeFileSync(join(folder, 'c/d.png'), PNG.sync.write(new PNG({ width: 99, height: 99 })));
    const now = (await open(folder)).files;
    expect(inventoryDifference(keep, digest, now)).toBe(
      '1 file added (new.png), 1 removed (a.png), 1 changed (c/d.png)',
    );
    writeFileSync(join(keep, 'images.jsonl'), '{"file":"a.png","bytes":1}\n');
    expect(inventoryDifference(keep, digest, now)).toMatch(
      /^files were added, removed or changed \(which ones cannot be determined: .*images\.jsonl: not the list that /,
    );
  });

  it('of STL-10: a file with other images of the same number differs', async () => {
    const [one, other] = ['stl-1', 'stl-2'].map((name) => join(scratch, name));
    ensureSampleSet(one, { train: 10, test: 10, unlabeled: 20 });
    ensureSampleSet(other, { train: 10, test: 10, unlabeled: 20 });
    const keep = folderWith();
    const { files } = await open(one);
    writeInventory(keep, files);
    const digest = inventoryDigest(files);
    expect(inventoryDifference(keep, digest, (await open(other)).files)).toBeUndefined();
    writeFileSync(join(other, 'unlabeled_X.bin'), Buffer.alloc(20 * 27648, 7));
    expect(inventoryDifference(keep, digest, (await open(other)).files)).toBe('1 file changed (unlabeled_X.bin)');
  });
});
