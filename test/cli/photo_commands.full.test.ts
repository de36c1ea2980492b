/** Commands that ask an encoder, or a classifier, about a folder of photos, as a user runs them. */
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { parquetReadObjects } from 'hyparquet';
import { beforeAll, describe, expect, it } from 'vitest';
import { drawnPhotos } from './photos.ts';
import { type Finished, run, scratchFolder, tiny } from './run.ts';

const folder = scratchFolder();
const data = join(folder, 'labelled');
const trained = join(folder, 'run');
const adapter = tiny.slice(-2);
const names = ['000', '001', '002', '003'].map((name) => `${name}.png`);
const files = [...names.map((name) => `cat/${name}`), ...names.map((name) => `dog/${name}`)];

beforeAll(async () => {
  mkdirSync(data);
  for (const name of ['cat', 'dog']) drawnPhotos(join(data, name), 4, 16);
  // Drawn pictures are the same in both folders: one of a dog is made another.
  drawnPhotos(join(folder, 'more'), 6, 16);
  copyFileSync(join(folder, 'more', '005.png'), join(data, 'dog', '003.png'));
  const given = ['--method', 'supervised', '--data', data, '--steps', '2', '--out', trained];
  const { code, err } = await run('train', ...given, ...tiny);
  expect(code, err).toBe(0);
});

const on = (command: string, ...more: string[]): Promise<Finished> =>
  run(command, '--checkpoint', trained, '--data', data, ...more, ...adapter);

it('embed writes a table with the class folders', async () => {
  const out = join(folder, 'features.parquet');
  const { code, err } = await on('embed', '--out', out);
  expect(code, err).toBe(0);
  const rows = await parquetReadObjects({ file: Uint8Array.from(readFileSync(out)).buffer });
  expect(rows.map(({ file }) => file)).toEqual(files);
  expect(rows.map(({ label }) => label)).toEqual(files.map((file) => file.slice(0, 3)));
  expect(rows[0].features).toHaveLength(128);
});

it('search: JSON alone on stdout, the sheet in a file, and the index beside the run', async () => {
  const out = join(folder, 'sheet.png');
  const query = join(data, 'cat', '000.png');
  const first = await on('search', '--query', query, '--top', '2', '--json', '--out', out);
  expect(first.code, first.err).toBe(0);
  const { results, searched } = JSON.parse(first.out);
  expect([searched, results[0].query, results[0].found.length]).toEqual([8, query, 2]);
  expect(results[0].found[0].file).toBe('dog/000.png');
  expect(first.err).toMatch(/index .*photos-\w+\.safetensors: 8 photos, made anew/);
  expect(readFileSync(out).subarray(1, 4).toString()).toBe('PNG');
  expect(readdirSync(join(trained, 'eval', 'features')).filter((name) => name.startsWith('photos-'))).toHaveLength(1);
  const again = await on('search', '--query', query);
  expect(again.out).toMatch(/8 photos, all as they were/);
  expect(again.out).toMatch(/^000\.png +1 +dog\/000\.png +1\.0000$/m);
});

it('dedupe: groups, exact copies told, in a table and in a file', async () => {
  const out = join(folder, 'groups.csv');
  const { code, out: printed, err } = await on('dedupe', '--threshold', '1', '--out', out);
  expect(code, err).toBe(0);
  expect(printed).toMatch(/^6 of 8 photos in 3 groups of cosines from 1; 3 are exact copies of another$/m);
  expect(printed).toMatch(/dog\/001\.png .*copy of cat\/001\.png/);
  const [header, ...rows] = parse(readFileSync(out)) as string[][];
  expect(header).toEqual(['group', 'file', 'bytes', 'similarity', 'copy_of']);
  expect(rows.slice(0, 2).map(([group, file, , , copy]) => [group, file, copy])).toEqual([
    ['1', 'cat/000.png', ''],
    ['1', 'dog/000.png', 'cat/000.png'],
  ]);
});

it('predict: probabilities of the classes by their names', async () => {
  const out = join(folder, 'predictions.csv');
  const { code, out: printed, err } = await on('predict', '--out', out);
  expect(code, err).toBe(0);
  expect(printed).toMatch(/classes +of 8 images: cat \d, dog \d/);
  expect(printed).toMatch(/accuracy +[\d.]+ % are in the folder of their class/);
  const [header, ...rows] = parse(readFileSync(out)) as string[][];
  expect(header).toEqual(['file', 'label', 'class', 'probability', 'p_cat', 'p_dog']);
  for (const [i, [file, label, name, probability, cat, dog]] of rows.entries()) {
    expect([file, label]).toEqual([files[i], files[i].slice(0, 3)]);
    expect(Number(cat) + Number(dog)).toBeCloseTo(1, 6);
    expect(name).toBe(Number(cat) >= Number(dog) ? 'cat' : 'dog');
    expect(Number(probability)).toBe(Math.max(Number(cat), Number(dog)));
  }
  const top = await on('predict');
  expect(top.out).toMatch(new RegExp(`^cat/000\\.png +${rows[0][2]} +0\\.\\d{4}$`, 'm'));
});

describe('bad input is told in one line, and nothing is written', () => {
  it.each([
    [
      ['search', '--query', 'x.png', '--out', 'a.jpg'],
      2,
      /a\.jpg: unknown extension for a sheet; supported: \.png, \.svg/,
    ],
    [['search', '--query', 'nowhere.png'], 1, /--query nowhere\.png: no such file; give a photo$/],
    [['dedupe', '--threshold', '1.5'], 2, /--threshold.*Give a number from 0 to 1/],
    [['dedupe', '--out', 'groups.xlsx'], 2, /groups\.xlsx: unknown extension for groups; supported: \.json, \.csv/],
    [['predict', '--out', 'p.npy'], 2, /p\.npy: unknown extension for predictions/],
    [['embed', '--out', 'p.xlsx'], 2, /p\.xlsx: unknown extension for features/],
  ])('%s', async ([command, ...args], exit, message) => {
    const { code, err } = await on(command, ...args);
    expect(code, err).toBe(exit);
    expect(err.trim()).toMatch(message);
    expect(err).not.toMatch(/\n\s+at |internal error/);
    for (const name of args) expect(existsSync(name), name).toBe(false);
  });
});

describe('--config and --overwrite', () => {
  const again = join(folder, 'again');
  const config = join(trained, 'config.json');

  it('a run’s config.json starts the same run again, with what is given in another way', async () => {
    const { code, err } = await run('train', '--config', config, '--lr', '0.5', '--out', again, ...adapter);
    expect(code, err).toBe(0);
    const settingsIn = (path: string) => JSON.parse(readFileSync(join(path, 'config.json'), 'utf8')).settings;
    expect(settingsIn(again)).toEqual({ ...settingsIn(trained), lr: 0.5 });
  });

  it('a run is replaced where that is asked for, and stays where the new one is refused', async () => {
    const given = ['train', '--config', config, '--out', again, ...adapter];
    const refused = await run(...given);
    expect([refused.code, refused.err]).toEqual([1, expect.stringMatching(/already contains a run.*--overwrite/)]);
    const before = readFileSync(join(again, 'config.json'), 'utf8');
    const tooLarge = await run(...given, '--overwrite', '--batch-size', '64');
    expect([tooLarge.code, readFileSync(join(again, 'config.json'), 'utf8')]).toEqual([1, before]);
    const { code, err } = await run(...given, '--overwrite', '--steps', '1');
    expect(code, err).toBe(0);
    expect(readdirSync(join(again, 'checkpoints'))).toEqual(['step-00000001.safetensors']);
    expect(existsSync(join(again, '.replaced'))).toBe(false);
  });
});
