/** A file with settings is not believed where a checkpoint was trained with others. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { resume } from '../../src/cli/resume.ts';
import { Terminal } from '../../src/cli/terminal.ts';
import { UserError } from '../../src/errors.ts';
import { checkSameSettings } from '../../src/train/same_settings.ts';
import type { GivenSettings } from '../../src/train/settings.ts';
import { madeSettings, writeRun } from './made.ts';

const folder = mkdtempSync(join(tmpdir(), 'simclr-settings-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const settings = madeSettings();
const images = 8;
const check = (now: GivenSettings, before: GivenSettings = {}) =>
  checkSameSettings(
    'F',
    { ...settings, ...now },
    { path: 'C', settings: { ...settings, ...before } },
    { count: images },
  );

describe('a training goes on', () => {
  it('where it is the same, or was made longer', () => {
    for (const [now, before] of [
      [{}, {}],
      [{ epochs: 5 }, {}],
      [{ steps: 0 }, { steps: 3 }],
      [{ epochs: 9, steps: 17 }, { epochs: 2 }],
    ]) {
      expect(() => check(now, before)).not.toThrow();
    }
  });

  it.each<[GivenSettings, string]>([
    [{ lr: 0.5 }, 'lr is 0.5, but C was trained with 0.001; set it back to 0.001'],
    [{ temperature: 2 }, 'temperature is 2, but C was trained with 0.07;'],
    [{ seed: 9, batchSize: 8 }, 'batchSize is 8, but C was trained with 4;'],
    [{ optimizer: 'lars' }, 'optimizer is lars, but C was trained with sgd;'],
    [{ headBatchNorm: true }, 'headBatchNorm is true, but C was trained with false;'],
    [{ method: 'supervised' }, 'method is supervised, but C was trained with simclr;'],
    [{ epochs: 1 }, 'epochs is 1, but C was trained with 2;'],
    [{ steps: 3 }, 'steps is 3, but C was trained with 0;'],
    [{ epochs: 3, steps: 1 }, 'steps is 1, but C was trained with 0;'],
  ])('but not with %o', (now, message) => {
    expect(() => check(now)).toThrow(`F: ${message}`);
    expect(() => check(now)).toThrow(UserError);
  });
});

describe('--resume', () => {
  const again = (path: string) => resume(path, {} as never, {}, new Terminal());

  it('refuses an edited config.json in one line, and changes nothing', async () => {
    const path = writeRun(join(folder, 'edited'), settings, { settings: { ...settings, lr: 0.5 } });
    const before = readFileSync(join(path, 'config.json'), 'utf8');
    const checkpoint = join(path, 'checkpoints', 'step-00000002.safetensors');
    await expect(again(path)).rejects.toThrow(
      `${join(path, 'config.json')}: lr is 0.5, but ${checkpoint} was trained with 0.001; set it back to 0.001, or start a new run in another folder`,
    );
    expect(readFileSync(join(path, 'config.json'), 'utf8')).toBe(before);
    expect(readdirSync(path).sort()).toEqual(['checkpoints', 'config.json']);
  });

  it('asks the newest checkpoint that can be read', async () => {
    const path = writeRun(join(folder, 'older'), settings, { settings: { ...settings, seed: 7 } });
    writeFileSync(join(path, 'checkpoints', 'step-00000003.safetensors'), 'cut');
    await expect(again(path)).rejects.toThrow(/seed is 7, but .*step-00000002.safetensors was trained with 1;/);
  });

  it('goes on to the images where config.json was only made longer', async () => {
    const config = { settings: { ...settings, epochs: 7 }, data: join(folder, 'gone') };
    const path = writeRun(join(folder, 'longer'), settings, config);
    await expect(again(path)).rejects.toThrow(/gone: the images named in .*config.json were not found/);
  });
});
