/** What is wrong with settings and files is told in sentences, never in a library's words. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { readExperiment } from '../../src/experiment/experiment_settings.ts';
import { checked } from '../../src/io/checked.ts';
import { readJson } from '../../src/io/json_files.ts';
import { simclr } from '../../src/methods/simclr.ts';
import { supervised } from '../../src/methods/supervised.ts';
import { RunFolder } from '../../src/train/run_folder.ts';
import { flagOf, ownNames, parseSettings, settingNames } from '../../src/train/settings.ts';
import { parseSupervisedSettings, supervisedSettings } from '../../src/train/supervised_settings.ts';
import { temporaryFolder } from '../data/helpers.ts';

const folder = temporaryFolder();

/** The message of what a call throws. */
function told(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    return (error as Error).message;
  }
  return 'nothing was thrown';
}

describe('settings', () => {
  it.each<[object, string]>([
    [{ epochs: 1.5 }, '--epochs must be a whole number, not 1.5'],
    [{ epochs: 0 }, '--epochs must be 1 or more, not 0'],
    [{ epochs: 'many' }, "--epochs must be a number, not 'many'"],
    [{ lr: -1 }, '--lr must be above 0, not -1'],
    [{ lr: Number.POSITIVE_INFINITY }, '--lr must be a number, not Infinity'],
    [{ momentum: 1 }, '--momentum must be below 1, not 1'],
    [{ width: 0.3 }, '--width must be a multiple of 0.25, not 0.3'],
    [{ imageSize: 600 }, '--image-size must be 512 or less, not 600'],
    [{ schedule: 'x' }, "--schedule must be constant, cosine, linear or step, not 'x'"],
    [{ optimizer: 'x' }, "--optimizer must be adam, adamw, sgd or lars, not 'x'"],
    [{ headBatchNorm: 'yes' }, "--head-batch-norm must be true or false, not 'yes'"],
    [{ epochs: 0.5, lr: 0 }, '--epochs must be a whole number, not 0.5; --lr must be above 0, not 0'],
    [{ nonsense: 1 }, "'nonsense' is not a known setting"],
  ])('%o', (given, message) => {
    expect(told(() => parseSettings(given))).toBe(message);
  });

  it('every setting of both tables, whatever is wrong with it', () => {
    const tables = [
      [settingNames(simclr), parseSettings],
      [ownNames(supervised), (given: object) => parseSettings({ method: 'supervised', ...given })],
      [Object.keys(supervisedSettings.shape), parseSupervisedSettings],
    ] as const;
    const names: (name: string) => string = flagOf;
    let faults = 0;
    for (const [settings, parse] of tables) {
      for (const name of settings) {
        for (const [value, shown] of [
          ['nonsense', "'nonsense'"],
          [-1, '-1'],
          [1e300, '1e+300'],
          [null, 'null'],
          [[1], 'a list of 1'],
        ] as const) {
          const message = told(() => parse({ [name]: value }));
          if (message === 'nothing was thrown') continue;
          faults++;
          const literal = shown.replace('+', '\\+');
          // A value that the schema takes may still be of another loss than the one that is chosen.
          const other = `\\(${literal}\\) is a setting of --loss .*; omit it`;
          expect(message).toMatch(new RegExp(`^${names(name)} (must be .*, not ${literal}|${other})$`));
          expect(message).not.toMatch(/invalid|too (small|big)|expected|received|something else/i);
        }
      }
    }
    expect(faults).toBeGreaterThan(200);
  });

  it('in a file stand under their own names, behind the file', () => {
    expect(told(() => parseSettings({ batchSize: 1 }, 'config.json', (name) => name))).toBe(
      'config.json: batchSize must be 2 or more, not 1',
    );
  });
});

describe('files', () => {
  const write = (name: string, content: unknown): string => {
    const file = join(folder, name);
    writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
    return file;
  };

  it('that are no JSON, or missing', () => {
    const file = write('broken.json', '{"a": ');
    expect(told(() => readJson(file, 'restore it'))).toMatch(/broken\.json: not valid JSON \(.+\); restore it$/);
    expect(told(() => readJson(join(folder, 'none.json'), ''))).toMatch(/none\.json: no such file/);
  });

  it('config.json of a run', () => {
    const config = { version: 1, data: 'x', settings: {}, images: 4, adapter: 'a', started: 's' };
    const message = (content: object) => {
      write('config.json', content);
      return told(() => RunFolder.open(folder)).replace(join(folder, 'config.json'), 'FILE');
    };
    const remedy = 'restore the file or start a new run';
    expect(message({ ...config, images: 1.5 })).toBe(`FILE: images must be a whole number, not 1.5; ${remedy}`);
    expect(message({ ...config, version: 9, data: undefined })).toBe(
      `FILE: version must be 1, not 9; data is missing; ${remedy}`,
    );
    expect(message([])).toBe(`FILE: the content must be an object with named values, not a list of 0; ${remedy}`);
    expect(message({ ...config, settings: { epochs: 0, speed: 1 } })).toBe(
      `FILE: epochs must be 1 or more, not 0; 'speed' is not a known setting; ${remedy}`,
    );
  });

  it('experiment.json', () => {
    const images = { pretrain: 1, train: 'two', test: 3 };
    write('experiment.json', { version: 1, data: 'd', checkpoint: 3, seeds: [1, 1.5], folds: null, images });
    expect(told(() => readExperiment(folder))).toMatch(
      /checkpoint must be text, not 3; seeds\.1 must be a whole number, not 1\.5; .*images\.train must be a number, not 'two'; adapter is missing/,
    );
  });

  it('lists of a length', () => {
    const three = z.object({ counts: z.array(z.number()).length(3) });
    expect(told(() => checked(three, { counts: [1] }))).toBe('counts must be a list of 3, not a list of 1');
    expect(told(() => checked(three, { counts: [1, 2, 3, 4] }))).toBe('counts must be a list of 3, not a list of 4');
  });
});
