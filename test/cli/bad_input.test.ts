import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PNG } from 'pngjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { ensureSampleSet } from '../../src/data/sample/sample.ts';
import { writeSafetensors } from '../../src/io/safetensors.ts';
import { madeSettings, writeRun } from '../train/made.ts';
import { type Finished, run, scratchFolder, start, tiny } from './run.ts';

const folder = scratchFolder();
const data = join(folder, 'sample');
const trained = join(folder, 'trained');
let checkpoint: string;

beforeAll(async () => {
  ensureSampleSet(data, { train: 20, test: 20, unlabeled: 40 });
  const { code, err } = await run('train', '--data', data, ...tiny, '--steps', '1', '--out', trained);
  expect(err).toBe('');
  expect(code).toBe(0);
  checkpoint = join(trained, 'checkpoints', 'step-00000001.safetensors');
});

/** One line that says all of `words`, the exit code, and no stack. */
function expectOneLine({ code, err }: Finished, words: readonly (string | RegExp)[], exit: number): void {
  expect(code, err).toBe(exit);
  expect(err.trimEnd().split('\n'), err).toHaveLength(1);
  expect(err).not.toMatch(/\n\s+at |internal error/);
  for (const word of words) expect(err).toMatch(word);
}

/** A copy of the sample set in which one file was changed. */
function damaged(name: string, change: (folder: string) => void): string {
  const copy = join(folder, name);
  mkdirSync(copy);
  for (const file of readdirSync(data)) if (/\.(bin|txt)$/.test(file)) copyFileSync(join(data, file), join(copy, file));
  change(copy);
  return copy;
}

const train = (path: string, ...more: string[]) =>
  run('train', '--data', path, ...tiny, '--steps', '1', '--out', join(folder, 'never'), ...more);

describe('settings', () => {
  it.each([
    [['--batch-size', '1'], /--batch-size/],
    [['--temperature', '0'], /--temperature/],
    [['--temperature', '-1'], /--temperature/],
    [['--crop-max', '1.5'], /--crop-max/],
    [['--crop-min', '0.9', '--crop-max', '0.5'], /--crop-min .* must not be above --crop-max/],
    [['--epochs', '0'], /--epochs/],
    [['--epochs', '1.5'], /^simclr: --epochs must be a whole number, not 1\.5$/m],
    [['--lr', '-1'], /^simclr: --lr must be above 0, not -1$/m],
    [['--lr', 'fast'], /^simclr: --lr must be a number, not 'fast'$/m],
    [['--schedule', 'x'], /^simclr: --schedule must be constant, cosine, linear or step, not 'x'$/m],
    [['--lr', 'Infinity'], /--lr/],
    [['--weight-decay', '-0.1'], /--weight-decay/],
    [['--flip', '2'], /--flip/],
    [['--keep', '0'], /--keep/],
    [['--image-size', '4'], /--image-size/],
  ])('%s', async (flags, message) => {
    expectOneLine(await train(data, ...flags), [message], 2);
    expect(existsSync(join(folder, 'never'))).toBe(false);
  });

  it.each([
    [['train', '--nonsense'], /unknown option '--nonsense'/],
    [['trane'], /unknown command 'trane'/],
    [['export'], /--checkpoint/],
    [['train', '--preset', 'cifar'], /stl10/],
    [['embed', '--checkpoint', 'a', '--data', 'b', '--batch-size', '0'], /whole number from 1/],
    [['embed', '--checkpoint', 'a', '--data', 'b', '--split', 'banana'], /unlabeled, train\+unlabeled, train, test/],
  ])('usage: %s', async (args, message) => {
    const { code, err } = await run(...args);
    expect(code).toBe(2);
    expect(err).toMatch(message);
    expect(err).not.toMatch(/\n\s+at /);
  });

  it('an adapter that is not there: lists those that are', async () => {
    expectOneLine(
      await train(data, '--adapter', 'Voodoo 2'),
      [/no adapter has 'Voodoo 2' in its name; available: '/],
      1,
    );
  });

  it('more in one tensor than the adapter binds: told by the plan too', async () => {
    const huge = ['--head-depth', '4', '--head-width', '8192', '--embedding-dim', '8192'];
    for (const flags of [huge, [...huge, '--dry-run']]) {
      expectOneLine(await train(data, ...flags), [/binds at most \d+ MiB; use a smaller --batch-size/], 1);
    }
  });

  it('more pairs in a batch than images', async () => {
    expectOneLine(await train(data, '--batch-size', '64'), [/40 images, fewer than --batch-size 64/], 1);
  });
});

describe('data', () => {
  it('no such folder', async () => expectOneLine(await train(join(folder, 'nowhere')), [/nowhere/], 1));

  it('an empty folder', async () => {
    mkdirSync(join(folder, 'empty'));
    expectOneLine(await train(join(folder, 'empty')), [/empty/, /\.jpg/], 1);
  });

  it('a truncated STL-10 file', async () => {
    const path = damaged('truncated', (copy) => truncateSync(join(copy, 'unlabeled_X.bin'), 27648 * 3 + 5));
    expectOneLine(await train(path), [/unlabeled_X\.bin/, /27,?648/], 1);
  });

  it('an oversized one', async () => {
    const path = damaged('oversized', (copy) => writeFileSync(join(copy, 'train_X.bin'), Buffer.alloc(27648 * 25)));
    expectOneLine(await train(path, '--split', 'train', '--knn-every', '1'), [/train_[Xy]\.bin/], 1);
  });

  it('labels out of range', async () => {
    const path = damaged('labels', (copy) => writeFileSync(join(copy, 'train_y.bin'), Buffer.alloc(20, 11)));
    expectOneLine(await train(path, '--split', 'train', '--knn-every', '1'), [/train_y\.bin/, /11/], 1);
  });

  it('a corrupt JPEG among photos is listed and skipped', async () => {
    const photos = join(folder, 'photos');
    mkdirSync(photos);
    for (let i = 0; i < 6; i++) {
      const png = new PNG({ width: 16, height: 16 });
      png.data.fill(40 * i);
      writeFileSync(join(photos, `${i}.png`), PNG.sync.write(png));
    }
    writeFileSync(join(photos, 'bad.jpg'), Buffer.concat([Buffer.from([0xff, 0xd8, 0xff]), Buffer.alloc(500, 7)]));
    const { code, out, err } = await train(photos, '--out', join(folder, 'photos-run'));
    expect(err).toBe('');
    expect(code).toBe(0);
    expect(out).toMatch(/1 unreadable file/);
    expect(out).toMatch(/bad\.jpg/);
  });
});

describe('checkpoints', () => {
  const embed = (path: string) =>
    run('embed', '--checkpoint', path, '--data', data, '--out', join(folder, 'never.npy'));

  it('cut short', async () => {
    const cut = join(folder, 'cut.safetensors');
    writeFileSync(cut, readFileSync(checkpoint).subarray(0, 100_000));
    expectOneLine(await embed(cut), [/cut\.safetensors/], 1);
  });

  it('a hostile header', async () => {
    const hostile = join(folder, 'hostile.safetensors');
    const header = Buffer.from('{"w":{"dtype":"F32","shape":[4],"data_offsets":[0,999999999999]}}');
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(header.length));
    writeFileSync(hostile, Buffer.concat([length, header, Buffer.alloc(16)]));
    expectOneLine(await embed(hostile), [/hostile\.safetensors/], 1);
    length.writeBigUInt64LE(2n ** 63n);
    writeFileSync(hostile, Buffer.concat([length, header]));
    expectOneLine(await embed(hostile), [/hostile\.safetensors/], 1);
  });

  it('not one of ours', async () => {
    const other = join(folder, 'other.safetensors');
    writeSafetensors(other, [['w', { dtype: 'F32', shape: [1], data: Float32Array.of(1) }]]);
    expectOneLine(await embed(other), [/not an encoder that this program knows/], 1);
  });

  it('trained with other settings than config.json says', async () => {
    const settings = madeSettings({ headWidth: 64 });
    const other = writeRun(join(folder, 'other-run'), settings, { settings: { ...settings, headWidth: 128 } });
    expectOneLine(
      await run('train', '--resume', other),
      [/config\.json: headWidth is 128, but .*step-00000002\.safetensors was trained with 64; set it back to 64/],
      1,
    );
  });

  it('no run to resume', async () => {
    expectOneLine(await run('train', '--resume', join(folder, 'empty')), [/no config\.json/], 1);
  });
});

describe('places to write to', () => {
  it('an output folder below a file', async () => {
    writeFileSync(join(folder, 'a-file'), '');
    expectOneLine(await train(data, '--out', join(folder, 'a-file', 'run')), [/a-file/, /--out/], 1);
  });

  const mountable = canMount();
  it.skipIf(!mountable)(
    `a full disk: the last checkpoint survives${mountable ? '' : ' (skipped: no tmpfs may be mounted here)'}`,
    async () => {
      const disk = join(folder, 'disk');
      mkdirSync(disk);
      // Room for one checkpoint (10 MB) and its successor's temporary file, not for a third.
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=25m', 'tmpfs', disk]);
      try {
        const out = join(disk, 'run');
        const result = await start([
          'train',
          '--data',
          data,
          ...tiny,
          '--steps',
          '6',
          '--checkpoint-steps',
          '1',
          '--out',
          out,
        ]).done;
        expectOneLine(result, [/no space left/i], 1);
        const left = readdirSync(join(out, 'checkpoints'));
        expect(
          left.every((name) => name.endsWith('.safetensors')),
          String(left),
        ).toBe(true);
        expect(left.length).toBeGreaterThan(0);
        const exported = await run(
          'export',
          '--checkpoint',
          join(out, 'checkpoints', left.at(-1)!),
          '--out',
          join(folder, 'saved.safetensors'),
        );
        expect(exported.code, exported.err).toBe(0);
      } finally {
        execFileSync('umount', [disk]);
      }
    },
  );
});

function canMount(): boolean {
  const probe = join(folder, 'probe');
  mkdirSync(probe);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', probe], { stdio: 'ignore' });
    execFileSync('umount', [probe], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
