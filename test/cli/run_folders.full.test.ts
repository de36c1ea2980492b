/** What happens to the folder of a run: longer runs, other images, lost checkpoints, two processes, refused commands. */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PNG } from 'pngjs';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { lockFolder } from '../../src/io/folder_lock.ts';
import { noise } from '../ops/harness.ts';
import { weightsOf } from './resume.ts';
import { metrics, run, scratchFolder, start, steps, tiny } from './run.ts';

// Processes are started two dozen times, on two cores that other tests use too.
vi.setConfig({ testTimeout: 1_800_000, hookTimeout: 1_800_000 });

const folder = scratchFolder();
const photos = join(folder, 'photos');
const straight = join(folder, 'straight');
const short = join(folder, 'short');

function photo(name: string, seed: number): void {
  const png = new PNG({ width: 20 + seed, height: 20 });
  png.data.set(noise(png.data.length, seed, 100, 128));
  writeFileSync(join(photos, name), PNG.sync.write(png));
}

const train = (out: string, ...more: string[]) => run('train', '--data', photos, ...tiny, ...more, '--out', out);
const copy = (from: string, name: string): string => {
  const to = join(folder, name);
  cpSync(from, to, { recursive: true });
  return to;
};
const configOf = (path: string) => JSON.parse(readFileSync(join(path, 'config.json'), 'utf8'));
beforeAll(async () => {
  mkdirSync(photos);
  for (let i = 0; i < 12; i++) photo(`${i}.png`, i + 1); // three steps an epoch
  expect(await train(straight, '--schedule', 'constant', '--steps', '8')).toMatchObject({ code: 0, err: '' });
  expect(await train(short, '--schedule', 'constant', '--steps', '4')).toMatchObject({ code: 0, err: '' });
});

describe('a run that has ended', () => {
  it('can be made longer, and is then the run that was that long from the start', async () => {
    const path = copy(short, 'longer');
    const { code, out, err } = await run('train', '--resume', path, '--steps', '8');
    expect(err).toBe('');
    expect(code).toBe(0);
    expect(out).toMatch(/extended from 4 to 8 steps/);
    expect(steps(path)).toEqual(steps(straight));
    expect(weightsOf(path, 8)).toBe(weightsOf(straight, 8));
    // The epoch in which it had ended counts all its steps.
    const epoch = (of: string) => metrics(of).find(({ type, step }) => type === 'epoch' && step === 6);
    expect(epoch(path)?.loss).toBe(epoch(straight)?.loss);
    expect(configOf(path)).toMatchObject({ settings: { steps: 8 }, extended: [{ step: 4, steps: 4, epochs: 100 }] });
  });

  it('says so when it is resumed as it is, and cannot be made shorter', async () => {
    const path = copy(short, 'ended');
    expect((await run('train', '--resume', path)).out).toMatch(/the run is complete; a larger --epochs or --steps/);
    const shorter = await run('train', '--resume', path, '--epochs', '1');
    expect(shorter.code).toBe(2);
    expect(shorter.err).toMatch(/--epochs 1: that is 3 steps, and the run is set to 4; a run can only be made longer/);
    expect(configOf(path).extended).toBeUndefined();
  });

  it('tells what becomes of a schedule over all steps', async () => {
    const path = join(folder, 'cosine');
    await train(path, '--epochs', '1', '--schedule', 'cosine', '--lr', '0.01');
    const { code, out } = await run('train', '--resume', path, '--epochs', '2');
    expect(code).toBe(0);
    expect(out).toMatch(/extended from 3 to 6 steps/);
    const told = /cosine schedule now spans 6 steps: the learning rate continues at ([\d.e-]+) \(/.exec(out)?.[1];
    const lr = metrics(path).find(({ type, step }) => type === 'step' && step === 4)?.['lr'] as number;
    expect(lr.toPrecision(3)).toBe(told);
    expect(lr).toBeLessThan(0.01);
  });
});

describe('a run without checkpoints', () => {
  const without = (name: string, logged: number): string => {
    const path = copy(short, name);
    rmSync(join(path, 'checkpoints'), { recursive: true });
    mkdirSync(join(path, 'checkpoints'));
    const lines = metrics(path).filter(({ step }) => step <= logged);
    writeFileSync(join(path, 'metrics.jsonl'), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    return path;
  };

  it('starts over and says so, where none was due', async () => {
    const path = without('early', 2);
    const { code, out } = await run('train', '--resume', path);
    expect(code).toBe(0);
    expect(out).toMatch(/no checkpoint yet: starting from step 1; the 2 steps in metrics.jsonl will be repeated/);
    expect(steps(path)).toEqual(steps(short));
  });

  it('is left alone where they were lost', async () => {
    const path = without('lost', 4);
    const before = readFileSync(join(path, 'metrics.jsonl'), 'utf8');
    const { code, err } = await run('train', '--resume', path);
    expect(code).toBe(1);
    expect(err).toMatch(/logged 4 steps, but its checkpoints are gone; restore .*checkpoints, or start a new run/);
    expect(readFileSync(join(path, 'metrics.jsonl'), 'utf8')).toBe(before);
  });
});

describe('images', () => {
  it('that are others are refused by name; older runs compare their number', async () => {
    const path = copy(short, 'images');
    rmSync(join(photos, '3.png'));
    photo('new.png', 40);
    const refused = await run('train', '--resume', path, '--steps', '5');
    const older = copy(path, 'images-older');
    const { imagesDigest, ...config } = configOf(older);
    expect(imagesDigest).toMatch(/^[0-9a-f]{64}$/);
    writeFileSync(join(older, 'config.json'), JSON.stringify(config));
    const accepted = await run('train', '--resume', older);
    rmSync(join(photos, 'new.png'));
    const fewer = await run('train', '--resume', older);
    photo('3.png', 4);
    expect(refused.code).toBe(1);
    expect(refused.err).toMatch(
      /not the images that .* was started with: 1 file added \(new.png\), 1 removed \(3.png\)/,
    );
    expect(configOf(path).settings.steps).toBe(4);
    expect(accepted.code, accepted.err).toBe(0);
    expect(fewer.err).toMatch(/has 11 images, .* was started with 12/);
  });

  it('that are excluded are recorded, and stay so when the run is resumed', async () => {
    const path = join(photos, 'runs'); // in the data folder: never data
    const globs = ['--exclude', '1?.png', '--exclude', 'nothing*'];
    const { code, out } = await train(path, ...globs, '--steps', '2');
    expect(code).toBe(0);
    expect(out).toMatch(/10 images of/);
    expect(out).toMatch(/left out +--exclude: 10.png, 11.png\n/);
    expect(out).toMatch(/--exclude 'nothing\*' matches nothing/);
    expect(out.replace(/\s+\\?\s*/g, ' ')).toMatch(/embed .* --exclude '1\?.png' --exclude 'nothing\*'/);
    expect(configOf(path)).toMatchObject({ exclude: ['1?.png', 'nothing*'], images: 10 });
    const resumed = await run('train', '--resume', path);
    expect(resumed.err).toBe('');
    expect(resumed.out).toMatch(/10 images of.*\n.*results of this program: runs; --exclude: 10.png, 11.png/);
    const other = await run('train', '--resume', path, '--exclude', 'x');
    expect(other.code).toBe(2);
    expect(other.err).toMatch(/\(--exclude '1\?.png' --exclude 'nothing\*'\); omit --exclude/);
    rmSync(path, { recursive: true });
  });
});

it('a process that trains in the folder: a second one changes nothing', async () => {
  const path = join(folder, 'busy');
  mkdirSync(path);
  writeFileSync(join(path, 'metrics.jsonl'), '{"type":"step","step":1}\n'); // it has saved no checkpoint so far
  const unlock = lockFolder(path);
  const { code, err } = await train(path, '--steps', '1');
  expect(code).toBe(1);
  expect(err).toMatch(new RegExp(`process ${process.pid} is training in this folder`));
  expect(readdirSync(path).sort()).toEqual(['metrics.jsonl', 'run.lock']);
  expect(readFileSync(join(path, 'metrics.jsonl'), 'utf8')).toBe('{"type":"step","step":1}\n');
  unlock();
});

it('a Ctrl-C that arrives twice at once saves; npm forwards it to its child, which has got it already', async () => {
  const path = join(folder, 'twice');
  const started = start([
    'train',
    '--data',
    photos,
    ...tiny,
    '--batch-size',
    '12',
    '--image-size',
    '64',
    '--epochs',
    '500',
    '--out',
    path,
  ]);
  while (!existsSync(join(path, 'metrics.jsonl')) && started.child.exitCode === null) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  started.child.kill('SIGINT');
  await new Promise((resolve) => setTimeout(resolve, 30));
  started.child.kill('SIGINT');
  const { code, out, err } = await started.done;
  expect(err).toBe('');
  expect(code).toBe(130);
  expect(out).toMatch(/stopped at step \d+; to resume:\n.*train --resume/);
  expect(readdirSync(join(path, 'checkpoints'))).toHaveLength(1);
  expect(existsSync(join(path, 'run.lock'))).toBe(false);
});

describe('a refused command leaves no folder', () => {
  const out = join(folder, 'no', 'such', 'place');
  const huge = ['--head-depth', '4', '--head-width', '8192', '--embedding-dim', '8192'];
  const labelled = ['--data', photos, '--out', out];
  it.each([
    ['train', ['train', ...labelled, ...tiny, ...huge], /binds at most \d+ MiB/],
    ['experiment', ['experiment', ...labelled, ...tiny], /has no labelled images/],
    ['eval', ['eval', 'linear', '--checkpoint', short, ...labelled], /has no usable labels/],
    [
      'embed',
      ['embed', '--checkpoint', short, '--data', join(folder, 'none'), '--out', join(out, 'x.npy')],
      /no such folder/,
    ],
  ])('%s', async (_what, args, message) => {
    const { code, err } = await run(...args);
    expect(err).toMatch(message);
    expect(code).toBe(1);
    expect(existsSync(join(folder, 'no'))).toBe(false);
  });

  it('and does not put results among photos', async () => {
    for (const args of [
      ['train', ...tiny, '--data', photos],
      ['eval', 'tsne', '--checkpoint', short, '--data', photos],
    ]) {
      const { code, err } = await run(...args, '--out', photos);
      expect(err).toMatch(/holds photos \(.*png\), and results would be mixed with them/);
      expect(code).toBe(1);
    }
    expect(readdirSync(photos).every((name) => name.endsWith('.png'))).toBe(true);
  });
});
