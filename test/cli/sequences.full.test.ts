/** A run on WAV files from its first step to its evaluation, as a user does it. */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { decodeNpy } from '../../src/io/npy.ts';
import { tone, type Wave, waves, writeWav } from '../data/wav_files.ts';
import { adapters } from '../ops/harness.ts';
import { metrics, run, scratchFolder, steps } from './run.ts';

const folder = scratchFolder();
const data = join(folder, 'tones');
const runFolder = join(folder, 'run');
const adapter = ['--adapter', adapters[0] ?? 'none'];
const settings = [
  ...['--method', 'cpc-1d', '--window', '160', '--strides', '5,4', '--prediction-steps', '2', '--width', '0.25'],
  ...['--context-dim', '16', '--batch-size', '8', '--checkpoint-steps', '2', '--knn-every', '1', ...adapter],
];
const kinds = Object.keys(waves) as Wave[];

beforeAll(async () => {
  for (const wave of kinds)
    for (let i = 0; i < 6; i++) writeWav(join(data, wave, `${i}.wav`), tone(wave, 330, i), { sampleRate: 8000 });
  const { code, err, out } = await run('train', '--data', data, ...settings, '--epochs', '2', '--out', runFolder);
  expect(code, err).toBe(0);
  expect(out).toContain('18 files of 1 channel at 8,000 Hz');
  expect(out).toMatch(/model {6}2 convolutions of 128 channels and a GRU of 16, [\d.]+ million parameters/);
  expect(out).toMatch(/chance {5}loss the mean of log\(56\) … log\(48\) = 3\.9/);
  expect(out).toMatch(/epoch 2\/2 {2}loss .* kNN .* sequences\/s/);
  expect(out).toMatch(/next:\n.* embed .*\n.* eval linear /);
});

it('is resumed, and then is the run that was not interrupted', async () => {
  const whole = steps(runFolder);
  expect(whole.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6]);
  expect(metrics(runFolder).filter(({ type }) => type === 'epoch')).toHaveLength(2);
  for (const step of [4, 6])
    rmSync(join(runFolder, 'checkpoints', `step-${String(step).padStart(8, '0')}.safetensors`));
  const { code, err, out } = await run('train', '--resume', runFolder, ...adapter);
  expect(code, err).toBe(0);
  expect(out).toMatch(/resuming after step [23]/);
  expect(steps(runFolder)).toEqual(whole);
});

it.each(['linear', 'knn'])('eval %s tells the held-out files', async (what) => {
  const { code, err, out } = await run('eval', what, '--checkpoint', runFolder, '--data', data, ...adapter);
  expect(code, err).toBe(0);
  expect(out).toContain('windows of 160 frames of 1 channel at 8,000 Hz');
  expect(out).toContain('% of the test sequences');
  const { encoder, train, test } = JSON.parse(readFileSync(join(runFolder, 'eval', what, `${what}.json`), 'utf8'));
  expect([encoder.method, encoder.sampleRate, train, test]).toEqual(['cpc-1d', 8000, 15, 3]);
  expect(existsSync(join(runFolder, 'eval', what, `${what}.png`))).toBe(true);
});

it('embed writes a row for each file, and for each stretch of one alone', async () => {
  const out = join(folder, 'features.npy');
  const embed = (path: string) => run('embed', '--checkpoint', runFolder, '--data', path, '--out', out, ...adapter);
  const read = () => decodeNpy(readFileSync(out));
  expect(await embed(data)).toMatchObject({ code: 0, err: '' });
  expect(read().shape).toEqual([18, 16]);
  expect((read().data as Float32Array).every(Number.isFinite)).toBe(true);
  expect(readFileSync(join(folder, 'features.txt'), 'utf8').split('\n')[0]).toBe('sawtooth/0.wav');
  expect(await embed(join(data, 'sine', '0.wav'))).toMatchObject({ code: 0, err: '' });
  expect(read().shape).toEqual([2, 16]);
});

it('--dry-run and --profile show a step', async () => {
  const [plan, profile] = [
    await run('train', '--data', data, ...settings, '--dry-run'),
    await run('train', '--data', data, ...settings, '--profile'),
  ];
  expect([plan.code, profile.code], plan.err + profile.err).toEqual([0, 0]);
  expect(plan.out).toContain('conv2d');
  expect(profile.out).toContain('steps as in training');
});

it.each<[string, readonly string[], string]>([
  ['another rate', ['eval', 'knn', '--data', join(folder, 'other')], 'has 1 channel at 16000 Hz, and '],
  [
    'an evaluation of images',
    ['eval', 'neighbors', '--data', data],
    'its encoder takes sequences, and one that takes images',
  ],
  [
    'the size of images',
    ['eval', 'knn', '--data', data, '--image-size', '32'],
    '--image-size: the encoder takes sequences',
  ],
  [
    'no files',
    ['embed', '--data', runFolder, '--out', join(folder, 'x.npy')],
    'no sequences here or in its subfolders',
  ],
])('%s: one line', async (_, args, message) => {
  for (const i of [0, 1]) writeWav(join(folder, 'other', `${i}.wav`), tone('sine', 400, i), { sampleRate: 16000 });
  const [command, ...rest] = args;
  const { code, err } = await run(command, ...rest, '--checkpoint', runFolder, ...adapter);
  expect(code).not.toBe(0);
  expect(err).toContain(message);
  expect(err.trim().split('\n')).toHaveLength(1);
});
