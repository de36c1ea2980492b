/** `mpirun … simclr train` where every process has the photos of a folder of its own. */
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it, vi } from 'vitest';
import { drawnPhotos } from '../cli/photos.ts';
import { metrics, run, scratchFolder, steps, tiny } from '../cli/run.ts';
import { describeMpi, mpirun } from './mpirun.ts';

vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 });

const folder = scratchFolder();
const pattern = join(folder, 'part-{rank}');
const settings = [...tiny, '--knn-every', '1', '--epochs', '1', '--no-autotune'];
const train = (ranks: number, ...args: readonly string[]) =>
  mpirun(ranks, ['dist/cli.js', 'train', ...args], { ...process.env, COLUMNS: '1000' }).done;
const told = (err: string) => err.split('\n').filter((line) => line.startsWith('simclr: '));

describeMpi('images in folders of their own for all processes', () => {
  /** Two classes; the parts have 12 and 16 photos of them, of which one in five of a class is held out: 10 and 14 are left. */
  beforeAll(() => {
    const all = drawnPhotos(join(folder, 'all'), 28, 16);
    const files = readdirSync(all).sort();
    for (const [i, file] of files.entries()) {
      const part = join(folder, `part-${i < 12 ? 0 : 1}`, i % 2 === 0 ? 'even' : 'odd');
      mkdirSync(part, { recursive: true });
      cpSync(join(all, file), join(part, file));
    }
  });
  const path = join(folder, 'run');

  it('they are trained on together, and the features of all are watched', async () => {
    const { code, out, err } = await train(2, '--data', pattern, ...settings, '--out', path);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain('24 images of 2 processes, 10 + 14');
    const config = JSON.parse(readFileSync(join(path, 'config.json'), 'utf8'));
    expect(config).toMatchObject({ data: pattern, images: 24, parts: [10, 14] });
    expect(steps(path)).toHaveLength(5); // ⌊10 / 2⌋
    expect(metrics(path).filter(({ knn }) => typeof knn === 'number')).toHaveLength(2);
    const files = readFileSync(join(path, 'images.jsonl'), 'utf8').trim().split('\n');
    expect(files.map((line) => JSON.parse(line).file.split('/')[0]).sort()).toEqual([
      ...new Array(12).fill('0'),
      ...new Array(16).fill('1'),
    ]);
  });

  it('the run goes on with as many processes and the same images, and not otherwise', async () => {
    const more = ['--resume', path, '--epochs', '2'];
    const three = await train(4, ...more);
    expect([three.code, told(three.err)]).toEqual([2, [expect.stringContaining('now there are 4; resume it with 2')]]);
    const one = await run('train', ...more);
    expect([one.code, told(one.err)]).toEqual([2, [expect.stringContaining('now there is one; resume it with 2')]]);
    expect((await train(2, ...more)).code).toBe(0);
    expect(steps(path)).toHaveLength(10);
    const part = join(folder, 'part-1', 'odd');
    rmSync(join(part, readdirSync(part)[0]));
    const changed = await train(2, '--resume', path, '--epochs', '3');
    expect([changed.code, told(changed.err)]).toEqual([1, [expect.stringMatching(/1 file removed \(1\/odd\//)]]);
  });

  it('what needs images of others is refused in one line, and so is {rank} of a process by itself', async () => {
    const out = ['--out', join(folder, 'refused')];
    for (const [method, why] of [
      ['video-color', 'makes views of images that other processes may have'],
      ['colorization', 'looks at pixels of all images before it begins'],
      ['clip', 'learns its tokens from the captions of all images'],
    ]) {
      const { code, err } = await train(2, '--data', pattern, ...settings, '--method', method, ...out);
      const line = expect.stringContaining(`are not for ${method}, which ${why}; give one folder for all`);
      expect([code, told(err)]).toEqual([2, [line]]);
    }
    const alone = await run('train', '--data', pattern, ...settings, ...out);
    expect([alone.code, told(alone.err)]).toEqual([
      2,
      [expect.stringContaining('{rank} stands for the number of each process, and this one runs by itself')],
    ]);
    expect(readdirSync(folder)).not.toContain('refused');
  });
});
