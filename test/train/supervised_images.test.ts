import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { ImageSet } from '../../src/data/images.ts';
import { parseSupervisedSettings } from '../../src/train/supervised.ts';
import { digestOf, sampledDigestOf } from '../../src/train/supervised_data.ts';
import { SupervisedFolder } from '../../src/train/supervised_folder.ts';
import { scratchFolder } from '../cli/run.ts';
import { drawn } from './drawn.ts';

const folder = scratchFolder();

it('another image among many, which a sample of them does not show; folders of older versions have only the sample', async () => {
  const path = join(folder, 'images');
  mkdirSync(path);
  const config = (train: string, test: string) =>
    writeFileSync(
      join(path, 'config.json'),
      JSON.stringify({
        version: 1,
        mode: 'frozen',
        settings: parseSupervisedSettings({}),
        classes: 2,
        train,
        test,
        encoder: null,
      }),
    );
  const set = drawn('train', 40, 8);
  const other: ImageSet = {
    ...set,
    read(i, target, offset) {
      set.read(i, target, offset);
      if (i === 1) target[offset] ^= 255; // not among 16 of 40
    },
  };
  expect(sampledDigestOf(other)).toBe(sampledDigestOf(set));
  const opened = (images: ImageSet) => {
    const digests = { train: digestOf(images), test: digestOf(images) };
    const former = { train: sampledDigestOf(images), test: sampledDigestOf(images) };
    const settings = parseSupervisedSettings({});
    return SupervisedFolder.open(
      path,
      { version: 1, mode: 'frozen', settings, classes: 2, encoder: null, ...digests },
      former,
    );
  };
  config(digestOf(set), digestOf(set));
  expect(opened(set).path).toBe(path);
  expect(() => opened(other)).toThrow(`${path}: holds a training with other training images; choose another folder`);
  config(sampledDigestOf(set), sampledDigestOf(set));
  expect(opened(set).path).toBe(path);
});
