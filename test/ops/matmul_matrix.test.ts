/** Products of f16 matrices on matrix units, emulated and real ones: see conv2d_matrix.test.ts. And which kernels a device is offered. */
import { describe, expect, it } from 'vitest';
import { type DeviceTraits, Gpu } from '../../src/gpu/device.ts';
import { plan } from '../../src/graph/plan.ts';
import { trace } from '../../src/graph/trace.ts';
import { conv2d } from '../../src/ops/conv2d.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { matmul } from '../../src/ops/matmul.ts';
import { type Case, sample, testCases } from './harness.ts';

interface Sizes {
  readonly m: number;
  readonly k: number;
  readonly n: number;
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
  readonly bias?: boolean;
}

const product = ({ m, k, n, bias, ...transposed }: Sizes, feature = 'shader-f16'): Case => ({
  name: `f16 ${m}×${k}×${n}${transposed.transposeA ? ' Aᵀ' : ''}${transposed.transposeB ? ' Bᵀ' : ''}${bias ? ' + bias' : ''}`,
  feature,
  build() {
    const a = sample('a', transposed.transposeA ? [k, m] : [m, k], { dtype: 'f16' });
    const b = sample('b', transposed.transposeB ? [n, k] : [k, n], { dtype: 'f16' });
    return { c: matmul(a, b, { ...transposed, bias: bias ? sample('bias', [n]) : undefined }) };
  },
  // f16 products are exact in f32; f32 sums: 4 ε √K.
  tolerance: 4 * 2 ** -23 * Math.sqrt(Math.max(16, k)),
});

// All four layouts; rows, columns and terms on both sides of blocks; sums in slices.
const sizes: Sizes[] = [
  { m: 1, k: 4, n: 1, transposeB: true },
  { m: 131, k: 36, n: 67, transposeB: true, bias: true },
  { m: 130, k: 36, n: 68, bias: true },
  { m: 8, k: 203, n: 12, transposeA: true },
  { m: 12, k: 140, n: 5, transposeA: true, transposeB: true, bias: true },
];

testCases(
  sizes.map((item) => product(item)),
  { variant: 'matrix_emulated', traits: { software: true, matrixConfigs: [] } },
);
testCases(
  sizes.map((item) => product(item, 'chromium-experimental-subgroup-matrix')),
  { variant: 'matrix', optional: true },
);

describe('matrix units that a driver tells of', () => {
  const nvidia = { M: 16, N: 16, K: 16, componentType: 'f16', resultComponentType: 'f32' };
  const intel = { ...nvidia, M: 8 };
  const apple = { M: 8, N: 8, K: 8, componentType: 'f32', resultComponentType: 'f32' };
  const inHalf = { ...apple, componentType: 'f16', resultComponentType: 'f16' };

  /** What the nodes of a convolution with gradients and a product are offered, and the kernels of the first variants. */
  async function offered(
    traits: Partial<DeviceTraits>,
    dtype: 'f32' | 'f16' = 'f16',
    shape = [64, 12, 12, 64],
    outChannels = 128,
  ) {
    const { graph, result } = trace(() => {
      const [x, w] = [sample('x', shape, { dtype }), sample('w', [outChannels, 3, 3, shape[3]], { dtype })];
      const y = conv2d(x, w, { padding: 1 });
      const [dx, dw] = gradients(y, [x, w], sample('dy', y.shape, { dtype }));
      return [y, dx, dw, matmul(sample('a', [64, 64], { dtype }), sample('b', [64, 64], { dtype }))];
    });
    const gpu = await Gpu.open({ nullBackend: true });
    const limits = { ...gpu.traits.limits, maxComputeWorkgroupStorageSize: 32768 };
    const device = { ...gpu.traits, software: false, subgroupMaxSize: 32, limits, ...traits };
    gpu.destroy();
    const names: string[][] = [];
    const { launches } = plan(graph, result, device, {
      selectVariant: (_node, variants) => void names.push([...variants]),
    });
    return { names, kernels: launches.map(({ kernel }) => kernel.name), launches };
  }

  it('of the kinds that kernels are written for are taken first by a GPU', async () => {
    for (const [config, suffix] of [
      [nvidia, '16x16x16'],
      [intel, '8x16x16'],
      [apple, '8x8x8'],
    ] as const) {
      const { names, kernels } = await offered({ matrixConfigs: [inHalf, config] });
      expect(names.map(([first]) => first)).toEqual(['matrix', 'matrix', 'matrix', 'matrix']);
      expect(names.flat().filter((name) => name.startsWith('matrix_emulated'))).toEqual([]);
      expect(kernels.filter((name) => name.endsWith(suffix))).toEqual([
        `conv2d/matrix_implicit_gemm_${suffix}`,
        `conv2d/matrix_implicit_gemm_${suffix}`,
        `conv2d/matrix_weight_${suffix}`,
        `matmul/matrix_${suffix}`,
      ]);
    }
  });

  it.each([
    ['none', { matrixConfigs: [] }, 'f16'],
    ['with sums in f16', { matrixConfigs: [inHalf] }, 'f16'],
    ['of an unknown shape', { matrixConfigs: [{ ...nvidia, K: 8 }] }, 'f16'],
    ['where four subgroups are too many threads', { matrixConfigs: [nvidia], subgroupMaxSize: 128 }, 'f16'],
    ['without f16', { matrixConfigs: [nvidia], features: new Set(['subgroups']) }, 'f16'],
    ['for tensors of f32', { matrixConfigs: [nvidia] }, 'f32'],
  ] as const)('%s: other kernels are taken', async (_what, traits, dtype) => {
    const { names, kernels } = await offered(traits, dtype);
    expect(names.flat()).not.toContain('matrix');
    expect(kernels.filter((name) => name.includes('matrix'))).toEqual([]);
  });

  it('small subgroups make no fewer threads: each has room for 8 words of a block', async () => {
    for (const config of [nvidia, apple]) {
      const { launches } = await offered({ matrixConfigs: [config], subgroupMaxSize: 8 });
      const weight = launches.find(({ kernel }) => kernel.name.includes('matrix_weight'));
      expect(weight?.constants).toMatchObject({ THREADS: 128 });
    }
  });

  it('all subgroups multiply without asking where there can be no more than four', async () => {
    for (const [subgroupMinSize, subgroupMaxSize, threads, spare] of [
      [32, 32, 128, 0],
      [16, 32, 128, 1],
      [8, 8, 128, 1],
      [64, 64, 256, 0],
      [32, 64, 256, 1],
    ]) {
      const { launches } = await offered({ matrixConfigs: [nvidia], subgroupMinSize, subgroupMaxSize });
      const constants = launches
        .filter(({ kernel }) => kernel.name.includes('matrix'))
        .map((launch) => launch.constants);
      expect(constants).toHaveLength(4);
      for (const item of constants) expect(item).toMatchObject({ THREADS: threads, SPARE_SUBGROUPS: spare });
    }
  });

  it('large subgroups make more threads; a block with less than a word for each is not offered', async () => {
    const limits = {
      maxStorageBufferBindingSize: 2 ** 30,
      maxComputeWorkgroupStorageSize: 32768,
      maxComputeInvocationsPerWorkgroup: 1024,
      maxComputeWorkgroupSizeX: 1024,
    };
    for (const [config, count] of [
      [nvidia, 3],
      [apple, 1],
    ] as const) {
      const { names: all, launches } = await offered({ matrixConfigs: [config], subgroupMaxSize: 128, limits });
      expect(all[2].filter((name) => /^matrix(?!_emulated)/.test(name))).toHaveLength(count);
      const weight = launches.find(({ kernel }) => kernel.name.includes('matrix_weight'));
      expect(weight?.constants).toMatchObject({ THREADS: 512 });
    }
  });

  it('blocks follow the product, and the workgroup memory that there is', async () => {
    /** Rows × columns of fragments of a subgroup, and depth, for the first kernel of that name. */
    const block = async (kernel: string, outChannels: number, workgroupMemory: number) => {
      const { launches } = await offered(
        {
          matrixConfigs: [nvidia],
          limits: {
            maxStorageBufferBindingSize: 2 ** 30,
            maxComputeWorkgroupStorageSize: workgroupMemory,
            maxComputeInvocationsPerWorkgroup: 256,
            maxComputeWorkgroupSizeX: 256,
          },
        },
        'f16',
        [512, 24, 24, 64],
        outChannels,
      );
      const constants = launches.find(({ kernel: { name } }) => name.includes(kernel))?.constants;
      return [constants?.['FRAGMENT_ROWS'], constants?.['FRAGMENT_COLUMNS'], constants?.['BLOCK_K']];
    };
    expect(await block('matrix_implicit_gemm', 128, 32768)).toEqual([4, 4, 32]);
    expect(await block('matrix_implicit_gemm', 64, 32768)).toEqual([4, 2, 32]);
    expect(await block('matrix_weight', 64, 32768)).toEqual([2, 4, 32]);
    expect(await block('matrix_weight', 64, 16384)).toEqual([4, 2, 16]);
  });
});

// Fragments are loaded from, and stored to, words of 8 bytes: what the emulation takes offsets and strides for must be what Dawn does.
it.each([
  ['left<f16, 16, 16>', 4, 4, 4],
  ['right<f16, 16, 16>', 8, 5, 4],
  ['result<f32, 16, 16>', 2, 10, 8],
])('Dawn counts offset and stride of subgroup_matrix_%s in words', async (type, offset, stride, line) => {
  const gpu = await Gpu.open({ nullBackend: true });
  /** A module is refused if the 16 lines of the fragment do not lie within `size` words. */
  const faults = async (size: number): Promise<string[]> => {
    const code = `enable f16; enable subgroups; enable chromium_experimental_subgroup_matrix;
      var<workgroup> memory: array<vec2<u32>, ${size}>;
      @compute @workgroup_size(128) fn main() {
        let fragment = subgroupMatrixLoad<subgroup_matrix_${type}, row_major>(&memory, ${offset}u, ${stride}u);
        subgroupMatrixStore<row_major>(&memory, ${offset}u, fragment, ${stride}u);
      }`;
    gpu.device.pushErrorScope('validation');
    const { messages } = await gpu.device.createShaderModule({ code }).getCompilationInfo();
    await gpu.device.popErrorScope();
    return messages.map(({ message }) => message.split('\n')[0]);
  };
  const words = offset + 15 * stride + line;
  expect(await faults(words)).toEqual([]);
  expect((await faults(words - 1)).join()).toContain('too small');
  gpu.destroy();
});
