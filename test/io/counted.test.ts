import { expect, it } from 'vitest';
import { loadPhotos } from '../../src/data/folder.ts';
import { counted } from '../../src/io/counted.ts';
import { resumedConfig } from '../../src/train/extension.ts';
import { checkImages } from '../../src/train/learner.ts';
import type { RunConfig } from '../../src/train/run_config.ts';
import { parseSettings } from '../../src/train/settings.ts';
import { madeSet, temporaryFolder, writeTree } from '../data/helpers.ts';

it('one is singular', () => {
  expect([0, 1, 2].map((count) => counted(count, 'step'))).toEqual(['0 steps', '1 step', '2 steps']);
  expect(counted(2, 'class', 'classes')).toBe('2 classes');
});

it('in messages too', async () => {
  const settings = parseSettings({ batchSize: 4, steps: 3 });
  const config: RunConfig = { version: 1, data: 'x', settings, images: 8, adapter: 'a', started: '' };
  expect(() => resumedConfig('run', config, { steps: 1 }, 0)).toThrow(
    '--steps 1: that is 1 step, and the run is set to 3',
  );
  expect(() =>
    checkImages(
      madeSet({ count: 1 }, () => 0),
      settings,
    ),
  ).toThrow('made: has 1 image, fewer than');
  const folder = writeTree(temporaryFolder(), { 'a.png': '' });
  await expect(loadPhotos(folder, { size: 8 })).rejects.toThrow(
    'the only photo cannot be read; a.png: the file is empty',
  );
});
