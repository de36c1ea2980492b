import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { ensureSampleSet } from '../../src/data/sample.ts';
import { adapters } from '../ops/harness.ts';
import { run, scratchFolder, tiny } from './run.ts';

const folder = scratchFolder();
const data = join(folder, 'sample');
const runFolder = join(folder, 'run');
const checkpoint = join(runFolder, 'checkpoints', 'step-00000002.safetensors');
const adapter = ['--adapter', adapters[0] ?? 'none'];

beforeAll(async () => {
  ensureSampleSet(data, { train: 40, test: 20, unlabeled: 10 });
  const { code, err } = await run('train', '--data', data, ...tiny, '--epochs', '1', '--out', runFolder);
  expect(code, err).toBe(0);
});

it('eval writes its table, JSON and figures into the run, and keeps features for the next', async () => {
  const first = await run('eval', 'knn', '--checkpoint', checkpoint, '--data', data, '--k', '1,5', ...adapter);
  expect(first.err).toBe('');
  expect(first.code).toBe(0);
  expect(first.out).not.toMatch(/features .*from/);
  const out = join(runFolder, 'eval', 'knn');
  const { evaluation, encoder, results } = JSON.parse(readFileSync(join(out, 'knn.json'), 'utf8'));
  expect([evaluation, encoder.imageSize]).toEqual(['knn', 16]);
  expect(first.out).toContain((100 * results[0].mean).toFixed(2));
  for (const name of ['knn.png', 'knn.svg']) expect(existsSync(join(out, name)), name).toBe(true);
  const second = await run('eval', 'linear', '--folds', '--checkpoint', checkpoint, '--data', data, ...adapter);
  expect(second.out).toMatch(/features +train: from .*features/);
  expect(second.out).toMatch(/mean ± deviation +[\d.]+ ± [\d.]+ +[\d.]+ ± [\d.]+/);
});

it('wrong use and missing files are told in a line', async () => {
  const given = ['--checkpoint', checkpoint, '--data', data, ...adapter];
  const cases: [string[], number, RegExp][] = [
    [['eval', 'knn', ...given, '--k', '99'], 2, /^simclr: --k 99: there are 40 training images/],
    [['eval', 'knn', ...given, '--k', '1,1'], 2, /twice/],
    [['eval', 'tsne', ...given, '--on', 'all'], 2, /Allowed choices are train, test/],
    [['eval', 'linear', '--data', data], 2, /required option '--checkpoint <file>' not specified/],
    [
      ['eval', 'linear', '--checkpoint', join(data, 'train_X.bin'), '--data', data, ...adapter],
      1,
      /^simclr: cannot read/,
    ],
  ];
  for (const [args, expected, message] of cases) {
    const { code, err } = await run(...args);
    expect(err).toMatch(message);
    expect(code, err).toBe(expected);
  }
});
