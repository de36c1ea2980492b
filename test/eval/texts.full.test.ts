/** A run of CLIP on captioned photos: classes by their names, photos by sentences, and what is refused. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { toyColourNames, toyPlaces, toyShapes, writeCaptioned } from '../captioned.ts';
import { metrics, run, scratchFolder } from '../cli/run.ts';
import { adapters } from '../ops/harness.ts';

const folder = scratchFolder();
const [photos, trained, exported] = ['photos', 'run', 'encoder.safetensors'].map((name) => join(folder, name));
const adapter = ['--adapter', adapters[0] ?? 'none'];
const small = ['--width', '0.25', '--image-size', '32', '--batch-size', '32', '--stem', 'cifar', '--knn-every', '100'];
const texts = ['--embedding-dim', '32', '--text-width', '32', '--text-layers', '1', '--text-heads', '2'];
const learn = [...adapter, '--method', 'clip', ...small, ...texts, '--context-length', '10', '--lr', '2e-3'];
let captions: Map<string, string>;

beforeAll(async () => {
  captions = writeCaptioned(photos, 320);
  const { code, err, out } = await run('train', '--data', photos, ...learn, '--epochs', '16', '--out', trained);
  expect(code, err).toBe(0);
  expect(out).toMatch(/; 256 captions of .*captions\.csv/);
  const made = await run('export', '--checkpoint', trained, '--out', exported);
  expect(made.code, made.err).toBe(0);
}, 600_000);

const evaluated = async (what: string, ...more: string[]) => {
  const out = join(folder, 'results', what);
  const done = await run('eval', what, ...adapter, '--checkpoint', trained, '--data', photos, '--out', out, ...more);
  expect(done.code, done.err).toBe(0);
  const files = (name: string) => join(out, name);
  return { out: done.out, json: JSON.parse(readFileSync(files(`${what}.json`), 'utf8')), files };
};

describe('training', () => {
  it('finds captions more often than chance, and draws who finds whom', () => {
    const epochs = metrics(trained).filter(({ type }) => type === 'epoch');
    const last = epochs.at(-1)!;
    expect(last['imageToText']).toBeGreaterThan(0.2);
    expect(last['textToImage']).toBeGreaterThan(0.2);
    expect(last.loss).toBeLessThan(0.6 * Math.log(32));
    expect(existsSync(join(trained, 'figures', 'captions-step-00000128.png'))).toBe(true);
  });

  it('resumes with the same captions only', async () => {
    const table = join(photos, 'captions.csv');
    const before = readFileSync(table, 'utf8');
    writeFileSync(table, before.replace('a red circle', 'one red circle'));
    const { code, err } = await run('train', '--resume', trained, '--epochs', '17', ...adapter);
    writeFileSync(table, before);
    expect(code).toBe(1);
    expect(err).toMatch(/not the images that .* was started with: 1 file changed \(captions\.csv\)/);
  });
});

describe('eval zero-shot', () => {
  it('tells classes by the names of their folders', async () => {
    const places = toyShapes.flatMap((shape) => toyPlaces.map((place) => `a {} ${shape} on the ${place}`));
    const prompts = places.flatMap((prompt) => ['--prompts', prompt]);
    const { json, out, files } = await evaluated('zero-shot', ...prompts);
    expect(json.accuracy).toBeGreaterThan(0.6);
    expect(json).toMatchObject({ images: 64, heldOut: true, chance: 0.25, classes: [...toyColourNames].sort() });
    const sum = (row: number[]) => row.reduce((a, b) => a + b, 0);
    expect(json.confusion.map(sum)).toEqual([16, 16, 16, 16]);
    const right = (json.confusion as number[][]).reduce((total, row, i) => total + row[i], 0);
    expect(right / 64).toBeCloseTo(json.accuracy);
    expect(out).toMatch(/zero-shot: [\d.]+ % of 64 test images in 4 classes, by chance 25\.00 %/);
    expect(existsSync(files('zero-shot.png'))).toBe(true);
  });

  it('takes other names for them, in the order of their folders', async () => {
    const { json, out } = await evaluated('zero-shot', '--classes', 'red,yellow,green,purple');
    expect(json.names).toEqual(['red', 'yellow', 'green', 'purple']);
    expect(json.accuracy).toBeLessThan(0.5);
    expect(out).toMatch(/words that are no tokens of the training's captions, spelt in parts: .*purple/);
  });
});

describe('eval search', () => {
  it('finds what a sentence says', async () => {
    const text = 'a blue square on the right';
    const { json, files } = await evaluated('search', '--text', text, '--text', 'a red circle', '--top', '10');
    expect(json.searched).toBe(320);
    const [blue, red] = json.results as { text: string; found: { file: string; similarity: number }[] }[];
    expect([blue.text, red.text]).toEqual([text, 'a red circle']);
    for (const { found, colour } of [
      { ...blue, colour: 'blue' },
      { ...red, colour: 'red' },
    ]) {
      expect(found).toHaveLength(10);
      expect(found.filter(({ file }) => captions.get(file)!.includes(colour)).length).toBeGreaterThan(7);
      expect(found.every(({ similarity }, i) => i === 0 || similarity <= found[i - 1].similarity)).toBe(true);
    }
    expect(existsSync(files('search.png'))).toBe(true);
  });
});

describe('refused in one line', () => {
  const refused = async (words: RegExp, exit: number, ...args: string[]) => {
    const { code, err } = await run(...args, ...adapter);
    expect(err).toMatch(words);
    const lines = err
      .trim()
      .split('\n')
      .filter((line) => !/--help lists the options/.test(line));
    expect([code, lines.length]).toEqual([exit, 1]);
  };
  const on = (checkpoint: string) => ['--checkpoint', checkpoint, '--data', photos, '--out', join(folder, 'never')];

  it('an exported encoder, which has no text network', async () => {
    await refused(/no checkpoint of a run/, 1, 'eval', 'zero-shot', ...on(exported));
    await refused(/no checkpoint of a run/, 1, 'eval', 'search', '--text', 'red', ...on(exported));
  });

  it('a run of another method', async () => {
    const other = join(folder, 'simclr');
    const tiny = ['--width', '0.25', '--image-size', '16', '--batch-size', '4', '--knn-every', '0', '--steps', '1'];
    const { code, err } = await run('train', '--data', photos, ...tiny, '--out', other, ...adapter);
    expect(code, err).toBe(0);
    await refused(/a run of '--method simclr' has no text network/, 1, 'eval', 'search', '--text', 'x', ...on(other));
    const given = ['--captions', join(photos, 'captions.csv'), '--out', join(folder, 'never')];
    await refused(/--captions: --method simclr does not/, 2, 'train', '--data', photos, ...tiny, ...given);
  });

  it('prompts without a place for the class, names that are too few, too many photos', async () => {
    await refused(/with \{\} where/, 2, 'eval', 'zero-shot', ...on(trained), '--prompts', 'a photo');
    await refused(
      /--classes: 2 names, but .* has 4 classes/,
      2,
      'eval',
      'zero-shot',
      ...on(trained),
      '--classes',
      'a,b',
    );
    await refused(/--top 999: .* has only 320/, 2, 'eval', 'search', ...on(trained), '--text', 'x', '--top', '999');
  });

  it('photos without captions, and a table that is not there', async () => {
    const bare = join(folder, 'bare');
    writeCaptioned(bare, 40);
    rmSync(join(bare, 'captions.csv'));
    const never = ['--out', join(folder, 'never')];
    await refused(/bare: has no captions/, 1, 'train', '--data', bare, ...learn, ...never);
    await refused(/no such file/, 1, 'train', '--data', bare, ...learn, ...never, '--captions', join(bare, 'x.csv'));
  });
});
