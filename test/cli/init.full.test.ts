/** Weights to start from, and the folder of a run in place of one of its checkpoints. */
import { createHash } from 'node:crypto';
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { ensureSampleSet } from '../../src/data/sample/sample.ts';
import { readSafetensors, writeSafetensors } from '../../src/io/safetensors.ts';
import { run, scratchFolder, tiny } from './run.ts';

vi.setConfig({ testTimeout: 1_800_000, hookTimeout: 1_800_000 });

const folder = scratchFolder();
const data = join(folder, 'sample');
const source = join(folder, 'source');
const exported = join(folder, 'encoder.safetensors');
const fileOf = (path: string, step: number) =>
  join(path, 'checkpoints', `step-${String(step).padStart(8, '0')}.safetensors`);
const newest = fileOf(source, 2);

const train = (name: string, ...more: string[]) =>
  run('train', '--data', data, ...tiny, '--steps', '1', ...more, '--out', join(folder, name));
const configOf = (name: string) => JSON.parse(readFileSync(join(folder, name, 'config.json'), 'utf8'));

/** Which tensors of the checkpoint of step 0 are those of the source's. */
function taken(name: string): { encoder: boolean; head: boolean } {
  const [ours, theirs] = [readSafetensors(fileOf(join(folder, name), 0)), readSafetensors(newest)].map(
    ({ tensors }) => tensors,
  );
  const equal = (pattern: RegExp) => {
    const named = [...theirs].filter(([tensor, { dtype }]) => pattern.test(tensor) && dtype === 'F32');
    expect(named.length).toBeGreaterThan(0);
    return named.every(([tensor, { data: values }]) =>
      Buffer.from(values.buffer).equals(Buffer.from(ours.get(tensor)!.data.buffer)),
    );
  };
  return { encoder: equal(/^module\.(conv1|bn1|layer\d)\./), head: equal(/^module\.fc\./) };
}

beforeAll(async () => {
  ensureSampleSet(data, { train: 10, test: 10, unlabeled: 12 });
  const made = await run(
    'train',
    '--data',
    data,
    ...tiny,
    '--steps',
    '2',
    '--seed',
    '7',
    '--checkpoint-steps',
    '1',
    '--out',
    source,
  );
  expect(made).toMatchObject({ code: 0, err: '' });
});

describe('a run’s folder means its newest checkpoint', () => {
  it('for export', async () => {
    const { code, out } = await run('export', '--checkpoint', source, '--out', exported);
    expect(code).toBe(0);
    expect(out).toContain(`checkpoint ${newest}\n`);
    const direct = join(folder, 'direct.safetensors');
    await run('export', '--checkpoint', newest, '--out', direct);
    expect(readFileSync(exported).equals(readFileSync(direct))).toBe(true);
  });

  it('that can be read: a damaged one is passed over, and it is said', async () => {
    const damaged = join(folder, 'damaged');
    cpSync(source, damaged, { recursive: true });
    writeFileSync(fileOf(damaged, 2), 'x');
    const { code, out } = await run('embed', '--checkpoint', damaged, '--data', data, '--out', join(folder, 'f.npy'));
    expect(code).toBe(0);
    expect(out).toMatch(/step-00000002.safetensors: .*; using an older one\ncheckpoint .*step-00000001.safetensors/);
  });

  it('and a folder without any says so', async () => {
    const { code, err } = await run('export', '--checkpoint', folder, '--out', join(folder, 'x.safetensors'));
    expect(code).toBe(1);
    expect(err).toMatch(/no checkpoint in this folder; give the folder of a run that has saved one/);
  });
});

describe('--init', () => {
  it('takes encoder and projection head of a run, records them, and is not needed any more', async () => {
    const moved = join(folder, 'moved');
    cpSync(source, moved, { recursive: true });
    const { code, out, err } = await train('from-run', '--init', moved);
    expect(err).toBe('');
    expect(code).toBe(0);
    expect(out).toMatch(/init +.*step-00000002.safetensors: resnet18 of width 0.25 encoder and\s+head\n/);
    expect(taken('from-run')).toEqual({ encoder: true, head: true });
    const sha256 = createHash('sha256').update(readFileSync(newest)).digest('hex');
    expect(configOf('from-run').init).toEqual({ file: fileOf(moved, 2), sha256, head: true });
    rmSync(moved, { recursive: true });
    rmSync(fileOf(join(folder, 'from-run'), 1)); // as if it had been killed in its first step
    expect((await run('train', '--resume', join(folder, 'from-run'))).err).toBe('');
    expect(readdirSync(join(folder, 'from-run', 'checkpoints'))).toHaveLength(2);
  });

  it('draws the head where the file has another or none', async () => {
    expect((await train('other-head', '--init', newest, '--embedding-dim', '32')).out).toMatch(
      /encoder; its\s+head has other sizes, so a new one is used/,
    );
    expect(taken('other-head').encoder).toBe(true);
    expect((await train('from-exported', '--init', exported)).out).toMatch(/encoder; the\s+head is new/);
    expect(taken('from-exported')).toEqual({ encoder: true, head: false });
  });

  it('takes torchvision’s ResNet, and says that its classifier is ignored', async () => {
    const file = join(folder, 'torchvision.safetensors');
    const fc = (shape: number[]) =>
      ({ dtype: 'F32', shape, data: new Float32Array(shape.reduce((a, b) => a * b)) }) as const;
    const { tensors } = readSafetensors(exported);
    writeSafetensors(file, [...tensors, ['fc.weight', fc([1000, 128])], ['fc.bias', fc([1000])]]);
    const { code, out } = await train('from-torchvision', '--init', file);
    expect(code).toBe(0);
    expect(out).toMatch(/resnet18 of width 0.25 encoder; its\s+classifier fc is ignored, the\s+head is new/);
    expect(taken('from-torchvision').encoder).toBe(true);
  });

  it('names the first tensor that is wrong, and leaves no folder', async () => {
    const { tensors } = readSafetensors(exported);
    const wrong = (
      name: string,
      change: (
        all: typeof tensors,
      ) => Iterable<typeof tensors extends ReadonlyMap<infer K, infer V> ? readonly [K, V] : never>,
    ) => {
      const file = join(folder, name);
      writeSafetensors(file, change(tensors));
      return file;
    };
    const missing = wrong('missing.safetensors', (all) => [...all].filter(([name]) => name !== 'layer2.0.bn1.bias'));
    const nan = wrong('nan.safetensors', (all) =>
      [...all].map(([name, tensor]) => [
        name,
        name === 'bn1.bias' ? { ...tensor, data: new Float32Array(16).fill(Number.NaN) } : tensor,
      ]),
    );
    for (const [args, message] of [
      [['--init', missing], /missing.safetensors: tensor 'layer2.0.bn1.bias' is missing/],
      [['--init', nan], /nan.safetensors: tensor 'bn1.bias' has a value that is not finite/],
      [
        ['--init', exported, '--architecture', 'resnet34'],
        /encoder.safetensors: tensor 'layer1.2.conv1.weight' is missing/,
      ],
      [['--init', exported, '--stem', 'cifar'], /'conv1.weight' has shape \[16, 3, 7, 7\], expected \[16, 3, 3, 3\]/],
      [['--init', exported, '--width', '0.5'], /'conv1.weight' has shape \[16, 3, 7, 7\], expected \[32, 3, 7, 7\]/],
      [['--init', join(folder, 'none')], /none/],
    ] as const) {
      const { code, err } = await train('refused', ...args);
      expect(err).toMatch(message);
      expect(code).toBe(1);
      expect(readdirSync(folder)).not.toContain('refused');
    }
  });
});
