/** ResNet-50 from training to export on the command line, at a quarter of its width. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it, vi } from 'vitest';
import { ensureSampleSet } from '../../src/data/sample/sample.ts';
import { Gpu } from '../../src/gpu/device.ts';
import { decodeNpy } from '../../src/io/npy.ts';
import { readSafetensors } from '../../src/io/safetensors.ts';
import { flagsOf } from '../experiment/tiny.ts';
import { adapters } from '../ops/harness.ts';
import { metrics, run, scratchFolder, tiny } from './run.ts';

vi.setConfig({ testTimeout: 1_800_000, hookTimeout: 1_800_000 });

const folder = scratchFolder();
const data = join(folder, 'sample');
const trained = join(folder, 'trained');
const exported = join(folder, 'encoder.safetensors');
const architecture = ['--architecture', 'resnet50'];

const train = async (out: string, ...more: string[]): Promise<string> => {
  const finished = await run('train', '--data', data, ...tiny, '--steps', '2', ...more, '--out', out);
  expect(finished).toMatchObject({ code: 0, err: '' });
  return finished.out;
};

beforeAll(async () => {
  ensureSampleSet(data, { train: 20, test: 10, unlabeled: 16 });
  expect(await train(trained, ...architecture)).toMatch(/^model +resnet50 of width 0\.25, 1\.8 million parameters; /m);
});

it('is exported, and what was exported is told from its metadata and taken by --init', async () => {
  const { code, out } = await run('export', '--checkpoint', trained, '--out', exported);
  expect(code).toBe(0);
  expect(out).toContain(`${exported}: 318 tensors of a resnet50 of width 0.25 encoder`);
  const { tensors, metadata } = readSafetensors(exported);
  expect(metadata).toMatchObject({ architecture: 'resnet50', width: '0.25' });
  expect(tensors.get('layer1.0.conv3.weight')!.shape).toEqual([64, 16, 1, 1]);
  expect(await train(join(folder, 'from-exported'), '--init', exported)).toMatch(
    /init +.*: resnet50 of width 0\.25 encoder; the head is new/,
  );
});

it('embeds: 2,048 features, here a quarter of them', async () => {
  const out = join(folder, 'features.npy');
  const { code, err } = await run('embed', '--checkpoint', trained, '--data', data, '--split', 'test', '--out', out);
  expect(code, err).toBe(0);
  const { shape, data: features } = decodeNpy(readFileSync(out));
  expect(shape).toEqual([10, 512]);
  expect(Array.from(features as Float32Array).every(Number.isFinite)).toBe(true);
});

it.each([['linear'], ['knn'], ['tsne', '--iterations', '60']])('eval %s', async (kind, ...more) => {
  const { code, err } = await run('eval', kind, '--checkpoint', trained, '--data', data, ...more);
  expect(code, err).toBe(0);
  const { encoder } = JSON.parse(readFileSync(join(trained, 'eval', kind, `${kind}.json`), 'utf8'));
  expect(encoder).toMatchObject({ architecture: 'resnet50' });
});

it('trains in micro-batches', async () => {
  await train(join(folder, 'pieces'), ...architecture, '--micro-batch', '2');
  expect(metrics(join(folder, 'pieces')).filter(({ loss }) => Number.isFinite(loss)).length).toBeGreaterThan(1);
});

it('trains in half precision: a few steps until the loss scale fits, then every step is good', async ({ skip }) => {
  const gpu = await Gpu.open({ adapter: adapters[0] });
  const hasHalf = gpu.traits.features.has('shader-f16');
  gpu.destroy();
  if (!hasHalf) skip("the adapter has no 'shader-f16'");
  const out = await train(join(folder, 'half'), ...architecture, '--precision', 'f16', '--steps', '16');
  const skipped = [...out.matchAll(/\((\d+) skipped\)/g)].map(([, count]) => Number(count));
  expect(skipped).toHaveLength(4);
  expect(skipped[3]).toBe(skipped[2]);
});

it('--dry-run prints the plan of a step of 53 convolutions', async () => {
  const { code, out } = await run('train', '--data', data, ...tiny, ...architecture, '--dry-run');
  expect(code).toBe(0);
  expect(out).toMatch(/^conv2d +53 /m);
  expect(out).toMatch(/peak memory [\d.]+ MiB/);
});

it('goes through a whole experiment', async () => {
  const { code, out, err } = await run(...flagsOf(data), ...architecture, '--out', join(folder, 'experiment'));
  expect(code, err).toBe(0);
  expect(out).toContain('resnet50');
});
