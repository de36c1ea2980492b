/** `mpirun … simclr eval` and `embed`: what one process finds. And what several processes do not do. */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it, vi } from 'vitest';
import { drawnPhotos } from '../cli/photos.ts';
import { run, scratchFolder, tiny } from '../cli/run.ts';
import { sentences, subjectNames } from '../data/sentences.ts';
import { tone, type Wave, waves, writeWav } from '../data/wav_files.ts';
import { describeMpi, mpirun } from './mpirun.ts';

vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 });

const folder = scratchFolder();
const data = join(folder, 'photos');
const path = join(folder, 'run');
const together = (size: number, ...args: readonly string[]) =>
  mpirun(size, ['dist/cli.js', ...args], { ...process.env, COLUMNS: '1000' }).done;
const told = (err: string) => err.split('\n').filter((line) => line.startsWith('simclr: '));
const adapter = tiny.slice(tiny.indexOf('--adapter'));

function madeTexts(home: string): string {
  mkdirSync(home);
  const rows = sentences(60, 4).map(({ text, meaning: [subject] }) => `"${text}","${subjectNames[subject]}"`);
  writeFileSync(join(home, 'labelled.csv'), ['text,label', ...rows].join('\n'));
  return join(home, 'labelled.csv');
}

function madeSequences(home: string): string {
  for (const wave of Object.keys(waves) as Wave[])
    for (let i = 0; i < 6; i++)
      writeWav(join(home, 'tones', wave, `${i}.wav`), tone(wave, 330, i), { sampleRate: 8000 });
  return join(home, 'tones');
}

describeMpi('several processes', () => {
  beforeAll(async () => {
    drawnPhotos(data, 31, 16);
    for (const [i, file] of readdirSync(data).sort().entries()) {
      const of = join(data, i % 3 === 0 ? 'third' : 'other');
      mkdirSync(of, { recursive: true });
      renameSync(join(data, file), join(of, file));
    }
    const { code, err } = await run('train', '--data', data, ...tiny, '--steps', '2', '--no-autotune', '--out', path);
    expect({ code, err }).toEqual({ code: 0, err: '' });
  });
  const given = ['--checkpoint', path, '--data', data, '--no-autotune', '--batch-size', '4', ...adapter];

  it.each(['knn', 'linear'])('find what one finds: eval %s', async (what) => {
    const [one, three] = [join(folder, `${what}-1`), join(folder, `${what}-3`)];
    const cache = join(folder, `cache-${what}`);
    expect(await run('eval', what, ...given, '--out', one)).toMatchObject({ code: 0, err: '' });
    const args = ['eval', what, ...given, '--out', three, '--cache', cache];
    const { code, out, err } = await together(3, ...args);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain('3 processes compute the features together');
    expect(out.match(/written {4}/g)).toHaveLength(1);
    const found = (of: string) => JSON.parse(readFileSync(join(of, `${what}.json`), 'utf8'));
    expect(found(three)).toEqual(found(one));
    const again = await together(3, ...args);
    expect([again.code, again.out.match(/features {3}(train|test): from/g)]).toEqual([
      0,
      expect.objectContaining({ length: 2 }),
    ]);
  });

  const sentence = ['--text-width', '32', '--text-layers', '1', '--text-heads', '2', '--context-length', '12'];
  const sound = ['--window', '160', '--strides', '5,4', '--prediction-steps', '2', '--context-dim', '16'];
  it.each([
    { kind: 'texts', make: madeTexts, learn: ['--method', 'simcse', ...sentence] },
    { kind: 'sequences', make: madeSequences, learn: ['--method', 'cpc-1d', '--width', '0.25', ...sound] },
  ])('find what one finds of $kind', async ({ kind, make, learn }) => {
    const home = join(folder, kind);
    const from = make(home);
    const short = ['--steps', '1', '--batch-size', '8', '--knn-every', '0', '--no-autotune', ...adapter];
    expect(await run('train', '--data', from, ...learn, ...short, '--out', join(home, 'run'))).toMatchObject({
      code: 0,
    });
    const encoder = ['--checkpoint', join(home, 'run'), '--data', from, '--no-autotune', ...adapter];
    const found = (of: string) => JSON.parse(readFileSync(join(home, of, 'knn.json'), 'utf8'));
    expect(await run('eval', 'knn', ...encoder, '--out', join(home, 'one'))).toMatchObject({ code: 0, err: '' });
    expect(await together(2, 'eval', 'knn', ...encoder, '--out', join(home, 'two'))).toMatchObject({
      code: 0,
      err: '',
    });
    expect(found('two')).toEqual(found('one'));
  });

  it('compute what one computes: embed', async () => {
    const [one, two] = [join(folder, 'one.npy'), join(folder, 'two.npy')];
    expect(await run('embed', ...given, '--out', one)).toMatchObject({ code: 0, err: '' });
    const { code, out, err } = await together(2, 'embed', ...given, '--out', two);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out.match(/float32 \[31, /g)).toHaveLength(1);
    expect(readFileSync(two)).toEqual(readFileSync(one));
    expect(readFileSync(two.replace('.npy', '.txt'))).toEqual(readFileSync(one.replace('.npy', '.txt')));
  });

  it.each([
    ['eval', 'tsne', ...given],
    ['export', '--checkpoint', path, '--out', join(folder, 'no.safetensors')],
    ['experiment', '--data', data],
    ['methods'],
  ])('do not %s %s, which is told once', async (...args) => {
    const { code, out, err } = await together(2, ...args);
    expect({ code, out, told: told(err) }).toEqual({
      code: 2,
      out: '',
      told: [
        expect.stringMatching(
          /^simclr: (eval tsne|export|experiment|methods) runs in one process, and mpirun \(Open MPI\) has started 2; start it without$/,
        ),
      ],
    });
    expect(existsSync(join(folder, 'no.safetensors'))).toBe(false);
  });

  it('print help, the version and wrong usage once', async () => {
    const version = await together(3, '--version');
    expect(version).toMatchObject({ code: 0, err: '', out: '0.1.0\n' });
    const help = await together(2, 'train', '--help');
    expect([help.code, help.out.match(/Usage: /g)]).toEqual([0, ['Usage: ']]);
    const wrong = await together(2, 'train', '--no-such-flag');
    expect([wrong.code, wrong.err.match(/unknown option/g)]).toEqual([2, ['unknown option']]);
  });
});
