/** Peers of the benchmark: each that is installed computes what ours does, and each that is not says so in one line. */
import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { farthest, type Implementation, type ListItems, type OpenPeer, type Request } from '../bench/benchmark.ts';
import { pythonWithTorch } from '../bench/peers/pytorch/python.ts';
import { UserError } from '../src/errors.ts';
import { Gpu } from '../src/gpu/device.ts';
import { adapters } from './ops/harness.ts';

// Bundled as the benchmark is, in a place of its own that finds the project's packages.
const bundle = resolve('node_modules/.cache/bench_peers_test');
const load = async (module: string): Promise<unknown> =>
  ((await import(pathToFileURL(`${bundle}/${module}.js`).href)) as { default: unknown }).default;

const python = await pythonWithTorch().catch(() => undefined);
const hasModule = (name: string): boolean => {
  try {
    return Boolean(createRequire(import.meta.url).resolve(name));
  } catch {
    return false;
  }
};
const torchvision =
  python !== undefined &&
  (await promisify(execFile)(python, ['-c', 'import torchvision']).then(
    () => true,
    () => false,
  ));
const tfjs = hasModule('@tensorflow/tfjs-core');
const installed: Readonly<Record<string, boolean>> = {
  tfjs: tfjs && hasModule('@tensorflow/tfjs-backend-webgpu'),
  tfjs_cpu: tfjs && hasModule('@tensorflow/tfjs-backend-cpu'),
  tfjs_wasm: tfjs && hasModule('@tensorflow/tfjs-backend-wasm'),
  onnxruntime: hasModule('onnxruntime-node'),
  pytorch: python !== undefined,
};

const tiny: Request = { pairs: 2, imageSize: 32, quick: true };
/** A case, part of a row, and how many settings take part there. */
const rows: readonly (readonly [op: string, part: string, settings: Readonly<Record<string, number>>])[] = [
  ['conv2d', 'forward 4×8×8×64, 3×3/2', { tfjs: 1, tfjs_cpu: 1, tfjs_wasm: 1, onnxruntime: 1, pytorch: 2 }],
  ['conv2d', 'input gradient 4×8×8×64, 3×3/2', { tfjs: 2, tfjs_cpu: 1, tfjs_wasm: 1, onnxruntime: 0, pytorch: 2 }],
  ['conv2d', 'weight gradient 4×8×8×64, 3×3/2', { tfjs: 1, tfjs_cpu: 1, tfjs_wasm: 0, onnxruntime: 0, pytorch: 2 }],
  ['matmul', '(128×512)', { tfjs: 1, tfjs_cpu: 1, tfjs_wasm: 1, onnxruntime: 1, pytorch: 1 }],
  ['matmul', '(4×512)ᵀ', { tfjs: 1, tfjs_cpu: 1, tfjs_wasm: 1, onnxruntime: 1, pytorch: 1 }],
  ['batch_norm', '4×1×1×512', { tfjs: 1, tfjs_cpu: 1, tfjs_wasm: 1, pytorch: 2 }],
  ['max_pool', '4×16×16×64', { tfjs: 1, tfjs_cpu: 1, pytorch: 2 }],
  ['cosine_similarity', '', { tfjs: 1, tfjs_cpu: 1, tfjs_wasm: 1, pytorch: 1 }],
  ['nt_xent', '4×128', { tfjs: 1, tfjs_cpu: 1, tfjs_wasm: 1, pytorch: 1 }],
  ['cross_entropy', '', { tfjs: 1, tfjs_cpu: 1, tfjs_wasm: 1, pytorch: 1 }],
  ['adam', '', { tfjs: 1, tfjs_cpu: 1, tfjs_wasm: 1, pytorch: 1 }],
  ['attention', 'fused', { pytorch: 1 }],
  ['vit', 'block', { pytorch: 1 }],
  ['step', '', { tfjs: 2, pytorch: 1 }],
  ['pipeline', '', { pytorch: 1 }],
];

// PyTorch's threads wait by spinning, which hurts where the tests beside this one want the cores too.
process.env['OMP_WAIT_POLICY'] = 'passive';

let gpu: Gpu;
beforeAll(async () => {
  mkdirSync(bundle, { recursive: true });
  execFileSync(process.execPath, ['bench/build.mjs', bundle], { stdio: 'inherit' });
  gpu = await Gpu.open({ adapter: adapters[0] });
});
afterAll(() => {
  gpu.destroy();
  rmSync(bundle, { recursive: true, force: true });
});

async function openRow(op: string, part: string) {
  const items = ((await load(`cases/${op}`)) as ListItems<unknown>)(tiny);
  const found = items.find(({ name, shape }) => `${name} ${shape}`.includes(part));
  expect(found, `${op} ${part}`).toBeDefined();
  return found!.open(gpu, {});
}

const openPeer = async (peer: string, op: string) => (await load(`peers/${peer}/${op}`)) as OpenPeer<unknown>;

/** Values from a first run, then more runs without an error. */
async function run(implementation: Implementation) {
  const values = await implementation.first();
  if (implementation.timed) expect(await implementation.timed(1)).toBeGreaterThan(0);
  else await implementation.run(1);
  implementation.destroy();
  return values;
}

describe.each(rows)('%s %s', (op, part, settings) => {
  const present = Object.keys(settings).filter((peer) => installed[peer]);
  const missing = Object.keys(settings).filter((peer) => !installed[peer]);
  it.each(present)('%s computes what ours does', async (peer) => {
    const { problem, ours, tolerance } = await openRow(op, part);
    const expected = await ours.first();
    const implementations = await (await openPeer(peer, op))(gpu, problem, ours);
    // On a GPU PyTorch has settings that a CPU lacks.
    if (peer === 'pytorch') expect(implementations.length).toBeGreaterThanOrEqual(settings[peer]);
    else expect(implementations).toHaveLength(settings[peer]);
    for (const implementation of implementations) {
      const allowed = (name: string) => implementation.tolerance?.(name, tolerance(name)) ?? tolerance(name);
      const worst = farthest(await run(implementation), expected, allowed);
      expect(worst.distance, `${implementation.setting}: ${worst.name}`).toBeLessThanOrEqual(allowed(worst.name));
    }
    ours.destroy();
  });
  it.skipIf(true).each(missing)('%s (skipped: it is not installed)', () => {});
});

it('every peer of every case has a row here, or a reason not to', () => {
  // Always too large for its backend.
  const leftOut = ['tfjs_cpu/step'];
  const helpers = /\/(backend|op|webgpu|cpu|wasm|model|session|implementation|python|worker)$/;
  const files = Object.keys(installed)
    .flatMap((peer) => readdirSync(`bench/peers/${peer}`).map((file) => `${peer}/${file}`))
    .filter((file) => file.endsWith('.ts'))
    .map((file) => file.replace('.ts', ''))
    .filter((file) => !helpers.test(file));
  const tested = rows.flatMap(([op, , settings]) => Object.keys(settings).map((peer) => `${peer}/${op}`));
  expect(files.sort()).toEqual([...new Set([...tested, ...leftOut])].sort());
});

it.skipIf(!installed['tfjs_cpu'])('tfjs on the CPU is left out where it would take minutes', async () => {
  const open = await openPeer('tfjs_cpu', 'matmul');
  await expect(open(gpu, {}, { flops: 1e12, bytes: 1 })).rejects.toThrow(/too slow for 1000000 MFLOP and 0 MB per run/);
});

it.skipIf(installed['onnxruntime'])('a package that is not installed is named in one line', async () => {
  const { problem, ours } = await openRow('matmul', '(128×512)');
  const open = await openPeer('onnxruntime', 'matmul');
  await expect(open(gpu, problem, ours)).rejects.toThrow(
    /^onnxruntime-node is not installed; install it with: npm install/,
  );
  ours.destroy();
});

const why = torchvision ? '' : ' (skipped: python3 has no torchvision)';
it.skipIf(!torchvision)(`augmentation by hand is torchvision's${why}`, async () => {
  const script = `
import sys; sys.dont_write_bytecode = True; sys.path.insert(0, 'bench/peers/pytorch')
import torch, augmentation as ours, torchvision.transforms.functional as theirs
torch.manual_seed(1); x = torch.rand(3, 24, 20)
pairs = [(ours.turn_hue(x, t), theirs.adjust_hue(x, t)) for t in (0.1, -0.07)]
pairs += [(ours.grey(x), theirs.rgb_to_grayscale(x)), (ours.blurred(x, 5, 1.3), theirs.gaussian_blur(x, [5, 5], [1.3, 1.3]))]
box = dict(scale=[1, 1], ratio=[0.8333333333, 0.8333333334], imageSize=12)
pairs += [(ours.crop(x, box), theirs.resize(x, [12, 12], antialias=True))]
print(max(float((a - b).abs().max()) for a, b in pairs))`;
  const { stdout } = await promisify(execFile)(python!, ['-c', script]);
  // torchvision's weights of grey have four digits.
  expect(Number(stdout)).toBeLessThan(2e-4);
});

it.skipIf(installed['pytorch'])('without PyTorch, its absence is one line', async () => {
  await expect(pythonWithTorch()).rejects.toThrow(UserError);
});

it('PYTHON chooses a Python, and one without PyTorch is refused', async () => {
  const script = `
    import('${pathToFileURL(`${bundle}/peers/pytorch/python.js`).href}')
      .then(({ pythonWithTorch }) => pythonWithTorch())
      .then(console.log, ({ message }) => console.log(message));`;
  const env = { ...process.env, PYTHON: resolve('no-such-python') };
  const { stdout } = await promisify(execFile)(process.execPath, ['-e', script], { env });
  expect(stdout).toMatch(/^no python3 in PATH has PyTorch; install it .*, or set PYTHON to one that has it\n$/);
});

it('the bundle has the files that peers read', () => {
  expect(existsSync(`${bundle}/peers/pytorch/worker.py`)).toBe(true);
  expect(existsSync(`${bundle}/peers/tfjs_wasm/tfjs-backend-wasm-simd.wasm`)).toBe(installed['tfjs_wasm']);
});
