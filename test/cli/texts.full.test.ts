/** Runs on sentences from their first step to their evaluation, as a user has them: paraphrases come close to each other. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { decodeNpy } from '../../src/io/npy.ts';
import { random } from '../../src/ssl/rng.ts';
import { changed, drawnMeaning, said, sentences, subjectNames } from '../data/sentences.ts';
import { adapters } from '../ops/harness.ts';
import { metrics, run, scratchFolder, steps } from './run.ts';

vi.setConfig({ testTimeout: 600_000, hookTimeout: 900_000 });

const folder = scratchFolder();
const at = (name: string): string => join(folder, name);
const adapter = ['--adapter', adapters[0] ?? 'none'];
const sizes = ['--text-width', '32', '--text-layers', '1', '--text-heads', '2', '--context-length', '12'];
const learn = ['--method', 'simcse', ...sizes, '--batch-size', '32', '--pooling', 'mean', '--lr', '3e-3', ...adapter];

/** Lines of a table with these columns, quoted. */
const table = (head: string, rows: readonly (readonly (string | number)[])[]): string =>
  [head, ...rows.map((row) => row.map((cell) => `"${cell}"`).join(','))].join('\n');

beforeAll(async () => {
  const triplets = Array.from({ length: 320 }, (_, i) => {
    const draws = random(3, i);
    const meaning = drawnMeaning(draws);
    return [said(meaning, draws), said(meaning, draws), said(changed(meaning, 1, draws), draws)];
  });
  writeFileSync(at('triplets.csv'), table('text,positive,negative', triplets));
  const labelled = sentences(240, 4).map(({ text, meaning: [subject] }) => [text, subjectNames[subject]] as const);
  writeFileSync(at('labelled.csv'), table('text,label', labelled));
  // Sentences that no run has seen: how many of their four parts are the same.
  const scored = Array.from({ length: 120 }, (_, i) => {
    const draws = random(7, i);
    const meaning = drawnMeaning(draws);
    const differing = i % 5;
    return [said(meaning, draws), said(changed(meaning, differing, draws), draws), 4 - differing] as const;
  });
  writeFileSync(at('scored.csv'), table('text1,text2,score', scored));
  for (const [name, data, more] of [
    ['triplet', 'triplets.csv', ['--epochs', '20']],
    ['lines', 'labelled.csv', ['--epochs', '4', '--checkpoint-steps', '2', '--keep', '99', '--knn-every', '1']],
  ] as const) {
    const { code, err, out } = await run('train', '--data', at(data), ...learn, ...more, '--out', at(name));
    expect(code, err).toBe(0);
    expect(out).toMatch(/model {6}a transformer of 1 block of 32 numbers, \d+ tokens, mean of up to 12/);
    expect(out).toMatch(/next:\n.* embed .*\n.* eval search /);
  }
});

it('triplets: what says the same is found far above chance', () => {
  const epochs = metrics(at('triplet')).filter(({ type }) => type === 'epoch');
  const [first, last] = [epochs[0], epochs.at(-1)!];
  expect(last.loss).toBeLessThan(0.4 * Math.log(64));
  expect(last['accuracy']).toBeGreaterThan(0.6);
  expect(last['accuracy']).toBeGreaterThan(first['accuracy'] as number);
});

it('eval similarity: the scores of unseen sentences, beside the untrained network and common words', async () => {
  const { code, err, out } = await run(
    'eval',
    'similarity',
    '--checkpoint',
    at('triplet'),
    '--data',
    at('scored.csv'),
    ...adapter,
  );
  expect(code, err).toBe(0);
  expect(out).toContain('similarity of 120 pairs: Spearman’s ρ');
  const folderOf = join(at('triplet'), 'eval', 'similarity');
  const { results, pairs } = JSON.parse(readFileSync(join(folderOf, 'similarity.json'), 'utf8'));
  const [trained, untrained, words] = results as { name: string; spearman: number; interval: [number, number] }[];
  expect([pairs, trained.name, untrained.name, words.name]).toEqual([
    ...[120, 'trained network', 'untrained network', 'words in common (tf-idf)'],
  ]);
  expect(trained.spearman).toBeGreaterThan(0.7);
  expect(trained.spearman).toBeGreaterThan(untrained.spearman + 0.1);
  expect(trained.spearman).toBeGreaterThan(words.spearman);
  expect(trained.interval[0]).toBeLessThan(trained.spearman);
  const lines = readFileSync(join(folderOf, 'similarity.jsonl'), 'utf8').trim().split('\n');
  expect(lines).toHaveLength(120);
  expect(existsSync(join(folderOf, 'similarity.png'))).toBe(true);
});

it('eval search: paraphrases are nearer than other sentences', async () => {
  const pool = [
    'in the yard the hound notices a sphere',
    'the cat buys a cup in the shop',
    'the tutor hides a rock in the wood',
  ];
  writeFileSync(at('pool.txt'), `${pool.join('\n')}\n`);
  const text = 'the dog sees a ball in the garden';
  const { code, err } = await run(
    ...['eval', 'search', '--checkpoint', at('triplet'), '--data', at('pool.txt'), '--text', text, ...adapter],
  );
  expect(code, err).toBe(0);
  const { results } = JSON.parse(readFileSync(join(at('triplet'), 'eval', 'search', 'search.json'), 'utf8'));
  expect(results[0].found.map((one: { text: string }) => one.text)[0]).toBe(pool[0]);
});

describe('lines', () => {
  it('are told from each other, and followed by their labels', () => {
    const epochs = metrics(at('lines')).filter(({ type }) => type === 'epoch');
    const [first, last] = [epochs[0], epochs.at(-1)!];
    expect(last.loss).toBeLessThan(first.loss as number);
    expect(last['accuracy']).toBeGreaterThan(first['accuracy'] as number);
    expect(epochs.map(({ knn }) => typeof knn)).toEqual(epochs.map(() => 'number'));
  });

  it('a run is resumed, and then is the run that was not interrupted', async () => {
    const whole = steps(at('lines'));
    const last = whole.at(-1)!.step;
    for (let step = last - 6; step <= last; step++)
      rmSync(join(at('lines'), 'checkpoints', `step-${String(step).padStart(8, '0')}.safetensors`), { force: true });
    const { code, err, out } = await run('train', '--resume', at('lines'), ...adapter);
    expect(code, err).toBe(0);
    expect(out).toMatch(/resuming after step \d+/);
    expect(steps(at('lines'))).toEqual(whole);
  });

  it.each(['linear', 'knn'])('eval %s tells the classes of those held out', async (what) => {
    const { code, err, out } = await run(
      'eval',
      what,
      '--checkpoint',
      at('lines'),
      '--data',
      at('labelled.csv'),
      ...adapter,
    );
    expect(code, err).toBe(0);
    expect(out).toContain('% of the test texts');
    const { encoder, ...found } = JSON.parse(readFileSync(join(at('lines'), 'eval', what, `${what}.json`), 'utf8'));
    expect(encoder.method).toBe('simcse');
    const accuracy = what === 'linear' ? found.testAccuracy.mean : found.results[0].mean;
    expect(accuracy).toBeGreaterThan(found.majority.accuracy + 0.15);
  });

  it('embed writes a row for each text, and the texts beside them', async () => {
    const out = at('features.npy');
    const { code, err } = await run(
      'embed',
      '--checkpoint',
      at('lines'),
      '--data',
      at('scored.csv'),
      '--out',
      out,
      ...adapter,
    );
    expect(code).toBe(1);
    expect(err).toContain('scored.csv: line 2: text');
    const done = await run(
      'embed',
      '--checkpoint',
      at('lines'),
      '--data',
      at('labelled.csv'),
      '--out',
      out,
      ...adapter,
    );
    expect(done.code, done.err).toBe(0);
    expect(decodeNpy(readFileSync(out)).shape).toEqual([240, 32]);
    expect(readFileSync(at('features.txt'), 'utf8').split('\n')[0]).toBe(sentences(240, 4)[0].text);
  });
});

it('--dry-run and --profile show a step', async () => {
  const [plan, profile] = [
    await run('train', '--data', at('triplets.csv'), ...learn, '--dry-run'),
    await run('train', '--data', at('triplets.csv'), ...learn, '--profile'),
  ];
  expect([plan.code, profile.code], plan.err + profile.err).toEqual([0, 0]);
  expect(plan.out).toContain('dropout');
  expect(profile.out).toContain('steps as in training');
});
