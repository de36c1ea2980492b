import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PNG } from 'pngjs';
import { beforeAll, expect, it } from 'vitest';
import { ensureSampleSet } from '../../src/data/sample/sample.ts';
import { adapters } from '../ops/harness.ts';
import { run, scratchFolder, start, tiny } from './run.ts';

const folder = scratchFolder();
const data = join(folder, 'sample');
const runFolder = join(folder, 'run');
const checkpoint = join(runFolder, 'checkpoints', 'step-00000002.safetensors');
const adapter = ['--adapter', adapters[0] ?? 'none'];

/** Lines that were folded to the width of the terminal as one. */
const unfolded = (text: string): string => text.replaceAll(/\s+/g, ' ');

beforeAll(async () => {
  ensureSampleSet(data, { train: 40, test: 20, unlabeled: 10 });
  const { code, err } = await run('train', '--data', data, ...tiny, '--epochs', '1', '--out', runFolder);
  expect(code, err).toBe(0);
});

it('eval writes its table, JSON and figures into the run, and keeps features for the next', async () => {
  const first = await run('eval', 'knn', '--checkpoint', checkpoint, '--data', data, '--k', '1,5', ...adapter);
  expect(first.err).toBe('');
  expect(first.code).toBe(0);
  expect(first.out).not.toMatch(/features .*from|pre-train/);
  expect(first.out).toMatch(/data .*: 40 train \/ 20 test images of 16×16 in 10 classes/);
  const out = join(runFolder, 'eval', 'knn');
  const { evaluation, encoder, results } = JSON.parse(readFileSync(join(out, 'knn.json'), 'utf8'));
  expect([evaluation, encoder.imageSize]).toEqual(['knn', 16]);
  expect(first.out).toContain((100 * results[0].mean).toFixed(2));
  for (const name of ['knn.png', 'knn.svg']) expect(existsSync(join(out, name)), name).toBe(true);
  const second = await run('eval', 'linear', '--folds', '--checkpoint', checkpoint, '--data', data, ...adapter);
  expect(second.out).toMatch(/features +train: from .*features/);
  expect(second.out).toMatch(/mean ± deviation +[\d.]+ ± [\d.]+ +[\d.]+ ± [\d.]+/);
});

it('features behind the first layer of the head are others, and said so; there is no second hidden one', async () => {
  const from = (layer: string) =>
    run(...['eval', 'linear', '--checkpoint', checkpoint, '--data', data, '--from-head-layer', layer, ...adapter]);
  const { code, out, err } = await from('1');
  expect(code, err).toBe(0);
  expect(out).toMatch(/^features +behind layer 1 of the projection head: \d+ numbers$/m);
  expect(out).not.toMatch(/features +train: from/);
  const { encoder } = JSON.parse(readFileSync(join(runFolder, 'eval', 'linear', 'linear.json'), 'utf8'));
  expect(encoder.fromHeadLayer).toBe(1);
  expect(await from('2')).toMatchObject({
    code: 2,
    err: `simclr: ${checkpoint}: its projection head has 1 hidden layer; give --from-head-layer 1 or less\n`,
  });
});

it('photos that cannot be read are told, of train and of test, each once', async () => {
  const photos = join(folder, 'photos');
  const png = PNG.sync.write(new PNG({ width: 16, height: 16 }));
  for (const part of ['train/a', 'train/b', 'test/a', 'test/b']) {
    mkdirSync(join(photos, part), { recursive: true });
    for (const i of [0, 1]) writeFileSync(join(photos, part, `${i}.png`), png);
  }
  for (const part of ['train', 'test']) writeFileSync(join(photos, part, 'a', 'broken.jpg'), 'no JPEG');
  const args = ['eval', 'knn', '--checkpoint', checkpoint, '--data', photos, '--out', join(folder, 'told'), ...adapter];
  const { code, out, err } = await run(...args);
  expect(code, err).toBe(0);
  const told = ['train', 'test'].map(
    (part) => `skipped    1 unreadable file of ${join(photos, part)}:\n           "a/broken.jpg": `,
  );
  for (const line of told) expect(out.split(line)).toHaveLength(2);
  expect(out).toContain(': 4 train / 4 test images');
});

it('neighbors: a new sheet beside the last one, the photographs themselves with their proportions; empty class folders are named', async () => {
  const photos = join(folder, 'odd');
  const shapes = [
    [600, 150],
    [40, 400],
    [300, 200],
  ] as const;
  for (const name of ['a', 'b']) {
    mkdirSync(join(photos, name), { recursive: true });
    for (const [i, [width, height]] of shapes.entries())
      writeFileSync(join(photos, name, `${i}.png`), PNG.sync.write(new PNG({ width, height })));
  }
  for (const name of ['empty', 'broken']) mkdirSync(join(photos, name));
  writeFileSync(join(photos, 'broken', 'x.jpg'), 'no JPEG');
  const out = join(folder, 'sheets');
  const args = ['eval', 'neighbors', '--checkpoint', checkpoint, '--data', photos, '--out', out, ...adapter];
  const query = ['--query', join(photos, 'a', '0.png'), '--count', '5'];
  const first = await run(...args, ...query);
  expect(first.code, first.err).toBe(0);
  expect(unfolded(first.out)).toContain(`no readable images in these class folders of ${photos}: "broken", "empty"`);
  const svg = readFileSync(join(out, 'neighbors.svg'), 'utf8');
  const sizes = [...svg.matchAll(/<image [^>]*width="([\d.]+)" height="([\d.]+)"/g)].map((match) =>
    match.slice(1).map(Number),
  );
  expect(sizes).toHaveLength(6);
  expect(sizes[0]).toEqual([360, 90]);
  expect(sizes).toContainEqual([18, 180]);
  expect(sizes).toContainEqual([270, 180]);
  for (const name of ['0.png', 'a/1.png', 'a/2.png', 'b/0.png', 'b/1.png', 'b/2.png'])
    expect(svg).toContain(`>${name}<`);
  const before = readFileSync(join(out, 'neighbors.png'));
  const second = await run(...args, '--query', join(photos, 'b', '2.png'));
  expect(unfolded(second.out)).toMatch(/written .*sheets: neighbors-2\.json, neighbors-2\.svg, neighbors-2\.png/);
  expect(readFileSync(join(out, 'neighbors.png')).equals(before)).toBe(true);
  expect(existsSync(join(out, 'neighbors-2.png'))).toBe(true);
});

it('t-SNE on no terminal: one line of what was found', async () => {
  const args = ['eval', 'tsne', '--checkpoint', checkpoint, '--data', data, '--iterations', '600', ...adapter];
  const { code, out, err } = await run(...args);
  expect(code, err).toBe(0);
  // Long paths are folded into further lines, which begin with a space.
  const after = out
    .slice(out.indexOf('t-SNE of'))
    .trimEnd()
    .split(/\n(?! )/);
  expect(after).toEqual([
    expect.stringMatching(/^t-SNE of 20 images: KL divergence [\d.]+ \(.*\)$/),
    expect.stringMatching(/^written /),
  ]);
});

it('wrong use and missing files are told in a line', async () => {
  const given = ['--checkpoint', checkpoint, '--data', data, ...adapter];
  const cases: [string[], number, RegExp][] = [
    [['eval', 'knn', ...given, '--k', '99'], 2, /^simclr: --k 99: there are only 40 training images/],
    [['eval', 'knn', ...given, '--k', '1,1'], 2, /twice/],
    [['eval', 'finetune', ...given, '--finetune-lr', '0'], 2, /^simclr: --finetune-lr must be above 0, not 0$/m],
    [['eval', 'finetune', ...given, '--freeze-stages', '5'], 2, /^simclr: --freeze-stages must be .*4.*$/m],
    [['eval', 'low-label', ...given, '--labels', '20,5000'], 2, /^simclr: --labels 20: a class has only 4 training/m],
    [['eval', 'attention', ...given, '--count', '99'], 2, /^simclr: --count 99: .* has only 20 images$/m],
    [
      ['eval', 'attention', ...given, '--from-head-layer', '1'],
      2,
      /^simclr: .* no maps to show; give --from-head-layer 0$/m,
    ],
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

it('options that would do nothing are refused', async () => {
  const given = ['--checkpoint', checkpoint, '--data', data, ...adapter];
  const cases: [string[], RegExp][] = [
    [
      ['linear', '--probe-lr', '0.1', '--probe-epochs', '3'],
      /^simclr: --probe-lr, --probe-epochs: only used with --solver sgd/,
    ],
    [
      ['transfer', '--to', data, '--solver', 'sgd', '--l2', '0.1,0.01'],
      /^simclr: --l2 0.1,0.01: --solver sgd takes one/,
    ],
    [['robustness', '--l2', '0.1', '--hold-out', '0.3'], /^simclr: --hold-out: with one λ nothing is chosen/],
    [
      ['linear', '--solver', 'sgd', '--probe-lr', '0.1', '--hold-out', '0.3'],
      /^simclr: --hold-out: with one learning rate nothing is chosen/,
    ],
    [
      ['low-label', '--finetune-epochs', '2', '--augment', 'none', '--freeze-stages', '2'],
      /^simclr: --finetune-epochs, --augment, --freeze-stages: only used with --finetune/,
    ],
  ];
  for (const [args, message] of cases) {
    const { code, err } = await run('eval', ...args, ...given);
    expect(err).toMatch(message);
    expect(err.trim().split('\n')).toHaveLength(1);
    expect(code, err).toBe(2);
  }
});

it('SIGTERM: what was trained is saved, the parting line is the command that goes on', async () => {
  const args = ['eval', 'finetune', '--checkpoint', checkpoint, '--data', data, '--finetune-epochs', '500'];
  const begun = start([...args, ...adapter]);
  while (!/training +all/.test(begun.out()) && begun.child.exitCode === null) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  begun.child.kill('SIGTERM');
  const { code, out, err } = await begun.done;
  expect(code, err).toBe(143);
  expect(out).toMatch(/stopped; to continue:\n {2}.* eval finetune --checkpoint .* --finetune-epochs 500 --adapter/);
  // Without a GPU, what was not given is small, and the output says so.
  const software = /llvmpipe|swiftshader/i.test(adapters[0] ?? '');
  const { settings } = JSON.parse(readFileSync(join(runFolder, 'eval/finetune/trainings/all/config.json'), 'utf8'));
  expect(settings).toMatchObject({ epochs: 500, batchSize: software ? 32 : 256 });
  const note = /note +no GPU: small defaults \(--finetune-batch-size 32; images of 16×16\)/;
  expect(note.test(out)).toBe(software);
});
