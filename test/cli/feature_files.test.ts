import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { featureExtensions, holdsLabels, writeFeatures } from '../../src/cli/feature_files.ts';
import { textSet } from '../../src/data/texts.ts';
import { checkExtension } from '../../src/io/files.ts';
import { decodeNpy } from '../../src/io/npy.ts';
import { scratchFolder } from './run.ts';

const folder = scratchFolder();
const features = Float32Array.of(0.5, 0.25, -1, 2);
const plain = { name: 'photos', count: 2, skipped: [] };
const files = ['cat/1.png', 'dog/2.png'];
const lines = (file: string) => readFileSync(file, 'utf8').trimEnd().split('\n');

it('an array, and the list of names beside it', () => {
  const out = join(folder, 'new', 'a.NPY');
  expect(writeFeatures(out, { ...plain, files }, features)).toEqual([
    `${out}: float32 [2, 2]`,
    `${join(folder, 'new', 'a')}.txt: the file of each row`,
  ]);
  expect(decodeNpy(readFileSync(out))).toMatchObject({ shape: [2, 2], data: features });
  expect(lines(join(folder, 'new', 'a.txt'))).toEqual(files);
});

it('a table has names and labels of rows, and no list beside it', () => {
  const out = join(folder, 'b.csv');
  const set = { ...plain, files, labels: Uint8Array.of(0, 1), classNames: ['cat', 'dog'] };
  expect(writeFeatures(out, set, features)).toEqual([`${out}: file, label and 2 features of each row`]);
  expect(lines(out)).toEqual(['file,label,f0,f1', 'cat/1.png,cat,0.5,0.25', 'dog/2.png,dog,-1,2']);
  expect(existsSync(join(folder, 'b.txt'))).toBe(false);
});

it('images without files have numbers, texts their own words', () => {
  const out = join(folder, 'c.jsonl');
  writeFeatures(out, plain, features);
  expect(lines(out)).toEqual(['{"file":"0","features":[0.5,0.25]}', '{"file":"1","features":[-1,2]}']);
  const texts = textSet([['one'], ['two']], { columns: 1, name: 't', skipped: [] });
  writeFeatures(out, texts, features);
  expect(JSON.parse(lines(out)[1])).toEqual({ text: 'two', features: [-1, 2] });
});

it('labels are asked for where the file has a place for them; other formats are refused', () => {
  expect(featureExtensions.filter((extension) => !holdsLabels(`x${extension}`))).toEqual(['.npy']);
  expect(() => checkExtension('x.xlsx', featureExtensions, 'features')).toThrow(
    'x.xlsx: unknown extension for features; supported: .npy, .csv, .jsonl, .parquet',
  );
});
