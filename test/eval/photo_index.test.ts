/** The index of a folder of photos: what is computed again, and what is not. */
import { copyFileSync, readdirSync, readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ensureSampleSet } from '../../src/data/sample/sample.ts';
import { findDuplicates } from '../../src/eval/dedupe.ts';
import { Evaluation } from '../../src/eval/evaluation.ts';
import { type PhotoIndex, photoIndex } from '../../src/eval/photo_index.ts';
import { searchPhotos } from '../../src/eval/photo_search.ts';
import { Gpu } from '../../src/gpu/device.ts';
import { State } from '../../src/graph/state.ts';
import { encoderOf } from '../../src/nn/encoders.ts';
import { saveEncoder } from '../../src/train/export.ts';
import { drawnPhotos } from '../cli/photos.ts';
import { scratchFolder } from '../cli/run.ts';
import { adapters } from '../ops/harness.ts';

const folder = scratchFolder();
const photos = drawnPhotos(join(folder, 'photos'), 5, 16);
const cache = join(folder, 'cache');
const preparation = { imageSize: 16, mean: [0, 0, 0], std: [1, 1, 1] } as const;
const photo = (number: number) => join(photos, `00${number}.png`);
let gpu: Gpu;
let evaluation: Evaluation;
/** Photos that were embedded since the last index was made. */
let computed = 0;

async function openEncoder(seed: number): Promise<Evaluation> {
  const file = join(folder, `encoder-${seed}.safetensors`);
  const state = new State(gpu);
  const encoder = encoderOf({ architecture: 'resnet18', stem: 'cifar', width: 0.25, seed });
  await saveEncoder(state, encoder, file, preparation);
  state.destroy();
  const events = {
    onFeatures: (_: string, done: number, total: number) => void (computed += done === total ? total : 0),
  };
  return Evaluation.open(gpu, { checkpoint: file, cache, batchSize: 4, events });
}

async function index(given = evaluation): Promise<PhotoIndex> {
  computed = 0;
  return photoIndex(given, photos);
}

beforeAll(async () => {
  gpu = await Gpu.open({ adapter: adapters[0] });
  evaluation = await openEncoder(1);
});

afterAll(() => {
  evaluation.destroy();
  gpu.destroy();
});

it('is made once, and what it holds are the features that embed gives', async () => {
  const made = await index();
  expect([made.changes, computed]).toEqual(['5 photos, made anew', 5]);
  const set = await evaluation.photos(photos);
  expect(made.features).toEqual(await evaluation.features(set.train, 'all', { cache: false }));
  const again = await index();
  expect([again.changes, computed]).toEqual(['5 photos, all as they were', 0]);
  expect(again.features).toEqual(made.features);
  expect(again.photos).toEqual(made.photos);
});

it('computes what is new or changed only; what was renamed, copied or touched is known by its content', async () => {
  const before = await index();
  const rowOf = ({ features }: PhotoIndex, row: number) => features.slice(row * 128, (row + 1) * 128);
  renameSync(photo(0), join(photos, 'renamed.png'));
  copyFileSync(photo(1), join(photos, 'copy.png'));
  utimesSync(photo(2), 1, 1);
  const after = await index();
  expect([after.changes, computed]).toEqual(['6 photos, 2 new, 1 removed', 0]);
  expect(after.photos.map(({ file }) => file)).toEqual([
    '001.png',
    '002.png',
    '003.png',
    '004.png',
    'copy.png',
    'renamed.png',
  ]);
  expect(after.photos[1].modified).toBe(1000);
  expect(rowOf(after, 5)).toEqual(rowOf(before, 0));
  expect(rowOf(after, 4)).toEqual(rowOf(before, 1));
  writeFileSync(photo(3), readFileSync(photo(4)));
  drawnPhotos(join(folder, 'others'), 7, 16);
  copyFileSync(join(folder, 'others', '006.png'), photo(0));
  const later = await index();
  expect([later.changes, computed]).toEqual(['7 photos, 1 new, 1 changed', 1]);
});

it('a photo that cannot be read is told, and one that can be read again is there again', async () => {
  const whole = readFileSync(photo(4));
  writeFileSync(photo(4), 'no picture');
  const { skipped, changes } = await index();
  expect(changes).toBe('6 photos, 1 removed');
  expect(skipped).toEqual([{ file: '004.png', reason: expect.stringMatching(/unsupported image format/) }]);
  writeFileSync(photo(4), whole);
  expect((await index()).changes).toBe('7 photos, 1 new');
  expect(computed).toBe(0); // 003.png has the same content
});

it('of another encoder, damaged or of another folder it is made anew', async () => {
  const other = await openEncoder(2);
  expect((await index(other)).changes).toBe('7 photos, made anew, as the old index is of another encoder');
  other.destroy();
  expect((await index()).changes).toMatch(/another encoder$/);
  const [file] = readdirSync(cache).filter((name) => name.startsWith('photos-'));
  const bytes = readFileSync(join(cache, file));
  bytes[bytes.length - 100] ^= 1;
  writeFileSync(join(cache, file), bytes);
  expect((await index()).changes).toBe('7 photos, made anew, as the old index is damaged');
  expect((await photoIndex(evaluation, join(folder, 'others'))).changes).toBe('7 photos, made anew');
  expect((await index()).changes).toBe('7 photos, all as they were');
});

it('there is nothing to index: one line', async () => {
  const stl10 = join(folder, 'stl10');
  ensureSampleSet(stl10, { train: 10, test: 10, unlabeled: 10 });
  await expect(photoIndex(evaluation, stl10)).rejects.toThrow(
    `${stl10}: STL-10's files, and a folder of photos is needed here; eval neighbors searches them`,
  );
  const empty = join(folder, 'empty');
  await expect(photoIndex(evaluation, empty)).rejects.toThrow(`${empty}: no such folder`);
  const broken = drawnPhotos(empty, 1, 16);
  writeFileSync(join(broken, '000.png'), 'no picture');
  await expect(photoIndex(evaluation, broken)).rejects.toThrow(/the only photo cannot be read; 000\.png: /);
  rmSync(join(broken, '000.png'));
  await expect(photoIndex(evaluation, broken)).rejects.toThrow(`${empty}: no photos here or in its subfolders`);
});

it('a search finds a copy first, and not the query itself', async () => {
  const found = await searchPhotos(evaluation, await index(), photos, {
    queries: [photo(1), join(folder, 'others', '006.png')],
  });
  const results = (found.json as { results: { found: { file: string; similarity: number }[] }[] }).results;
  expect(results[0].found[0].file).toBe('copy.png');
  expect(results[0].found[0].similarity).toBeCloseTo(1, 5);
  expect(results[0].found.map(({ file }) => file)).not.toContain('001.png');
  expect(results[1].found[0].file).toBe('000.png');
  expect(found.table.header).toEqual(['query', 'rank', 'image', 'similarity']);
  expect(found.table.rows[0]).toEqual(['001.png', '1', 'copy.png', '1.0000']);
  const { png } = await found.sheet();
  expect(Buffer.from(png.subarray(1, 4)).toString()).toBe('PNG');
  const searching = async (queries: string[], top?: number) =>
    searchPhotos(evaluation, await index(), photos, { queries, top });
  await expect(searching([photo(1)], 7)).rejects.toThrow(`--top 7: ${photos} has only 7 images to search`);
  await expect(searching(['nowhere.png'])).rejects.toThrow('--query nowhere.png: no such file; give a photo');
});

it('duplicates: groups of exact copies whatever the threshold, and of what is near; the note of an encoder that sees no difference', async () => {
  const made = await index();
  const exact = await findDuplicates(evaluation, made, photos, 1);
  const files = exact.groups.map((group) => group.map(({ file }) => file));
  expect(files).toContainEqual(['001.png', 'copy.png']);
  expect(files).toContainEqual(['003.png', '004.png']);
  const pair = exact.groups.find(([{ file }]) => file === '001.png')!;
  expect(pair.map(({ copyOf }) => copyOf)).toEqual([null, '001.png']);
  expect(pair[1].similarity).toBeCloseTo(1, 6);
  expect(exact).toMatchObject({ photos: 7, copies: 2, notes: [] });
  const all = await findDuplicates(evaluation, made, photos, 0);
  expect(all.groups.map((group) => group.length)).toEqual([7]);
  const sizes = all.groups[0].map(({ bytes }) => bytes);
  expect(sizes).toEqual(sizes.toSorted((a, b) => b - a));
});
