/** `--overwrite`: a run in place of another one. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { RunFolder } from '../../src/train/run_folder.ts';
import { scratchFolder } from '../cli/run.ts';
import { madeSettings, writeRun } from './made.ts';

const folder = scratchFolder();
const settings = madeSettings();
const config = { version: 1, data: 'x', settings, images: 8, adapter: 'none', started: 'now' } as const;
const checkpoint = join('checkpoints', 'step-00000002.safetensors');

function formerRun(name: string): string {
  const path = writeRun(join(folder, name), settings);
  mkdirSync(join(path, 'eval', 'knn'), { recursive: true });
  writeFileSync(join(path, 'eval', 'knn', 'knn.json'), '{}');
  writeFileSync(join(path, 'notes.txt'), 'mine');
  return path;
}

const all = (path: string) => readdirSync(path, { recursive: true, encoding: 'utf8' }).sort();
const startedIn = (path: string) => JSON.parse(readFileSync(join(path, 'config.json'), 'utf8')).started;

describe('--overwrite', () => {
  it('without it a run stays, and the message says how to replace it', () => {
    const path = formerRun('kept');
    expect(() => RunFolder.checkFree(path)).toThrow(/continue it with --resume .*, replace it with --overwrite, or/);
    expect(() => RunFolder.create(path, config)).toThrow(/already contains a run/);
    expect(existsSync(join(path, checkpoint))).toBe(true);
  });

  it('the former run goes when the new one trains; what is no run’s stays', () => {
    const path = formerRun('replaced');
    RunFolder.checkFree(path, { overwrite: true });
    const run = RunFolder.create(path, config, [], { overwrite: true });
    expect(existsSync(join(path, '.replaced', checkpoint))).toBe(true);
    run.begin();
    run.unlock();
    expect(all(path)).toEqual(['.simclr-results', 'checkpoints', 'config.json', 'figures', 'notes.txt']);
    expect(startedIn(path)).toBe('now');
  });

  it('a new run that is refused before its first step leaves the former one as it was', () => {
    const path = formerRun('refused');
    const before = all(path);
    const run = RunFolder.create(path, config, [], { overwrite: true });
    run.discard();
    expect(all(path)).toEqual(before);
    expect(startedIn(path)).toBe('');
  });

  it('a run that is in use stays', () => {
    const path = formerRun('used');
    const unlock = RunFolder.open(path).folder;
    const before = all(path);
    expect(() => RunFolder.create(path, config, [], { overwrite: true })).toThrow(/is training in this folder/);
    expect(all(path)).toEqual(before);
    unlock.unlock();
  });

  it('replaces runs only', () => {
    const path = join(folder, 'other');
    mkdirSync(path);
    RunFolder.checkFree(path, { overwrite: true }); // empty
    RunFolder.checkFree(join(folder, 'nowhere'), { overwrite: true });
    writeFileSync(join(path, 'letter.txt'), '');
    expect(() => RunFolder.checkFree(path, { overwrite: true })).toThrow(
      `${path}: holds no run, and --overwrite replaces runs only; choose another --out`,
    );
    writeFileSync(join(path, 'config.json'), '{"name": "something else"}');
    expect(() => RunFolder.checkFree(path, { overwrite: true })).toThrow(/config\.json: .*version/);
  });
});
