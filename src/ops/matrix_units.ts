/** Products on matrix units (kernels/lib/matrix/product.wgsl): which kernels a device can run, and in which blocks. */
import type { DeviceTraits } from '../gpu/device.ts';
import type { Constants, Kernel } from '../gpu/kernel.ts';
import type { Launch, Variants } from '../graph/tensor.ts';
import { cores, type Work } from './tiles.ts';

/**
 * Units that there are kernels for, the one that is taken first in front. All add up in f32: a unit that adds products of f16 up in
 * f16 would lose a sum of a thousand terms, so that such devices multiply f16 values in f32.
 */
const units = [
  { name: '16x16x16', M: 16, N: 16, K: 16, componentType: 'f16' },
  { name: '8x16x16', M: 8, N: 16, K: 16, componentType: 'f16' },
  { name: '8x8x8', M: 8, N: 8, K: 8, componentType: 'f32' },
] as const;

/** A kernel in a file for each unit, and the one that does without. */
export type MatrixKernels = Readonly<Record<(typeof units)[number]['name'] | 'emulated', Kernel>>;

interface Unit {
  readonly M: number;
  readonly N: number;
  readonly K: number;
  readonly componentType: string;
}

/** What one workgroup computes: rows × columns of the product, `depth` terms of the sum at a time. */
export interface MatrixBlock {
  readonly kernel: Kernel;
  readonly constants: Constants;
  readonly rows: number;
  readonly columns: number;
  readonly depth: number;
  readonly speed: number;
}

/** A product of f16 matrices that workgroups compute block by block. */
export interface MatrixProduct {
  readonly device: DeviceTraits;
  readonly kernels: MatrixKernels;
  /** Whether an operand lies k by k, instead of row by row (of the right one: column by column). */
  readonly leftAcross: boolean;
  readonly rightAcross: boolean;
  /** What a block makes of it: workgroups, and terms of the sum that each of them adds up. */
  work(block: MatrixBlock): Work;
  launches(block: MatrixBlock): readonly Launch[];
}

/**
 * Variants of a product: `matrix`, with the block that the fixed table says, and `matrix_<rows>x<columns>` with the others. None
 * without a unit that there is a kernel for.
 */
export function matrixVariants(product: MatrixProduct): Variants {
  const { device, kernels } = product;
  const unit = unitOf(device);
  if (!unit || !['shader-f16', 'subgroups'].every((feature) => device.features.has(feature))) return {};
  const threads = threadsOf(device);
  const SPARE_SUBGROUPS = Number(threads > 4 * device.subgroupMinSize);
  return named('matrix', product, blocks(product, unit, kernels[unit.name], threads, { SPARE_SUBGROUPS }));
}

/** Threads of a workgroup, unless four subgroups are more: enough to keep the largest block's words in their 8 slots each. */
const fewestThreads = 128;

const mostThreads = ({ limits }: DeviceTraits): number =>
  Math.min(limits['maxComputeInvocationsPerWorkgroup'], limits['maxComputeWorkgroupSizeX']);

/** At least four subgroups, whatever their size. */
const threadsOf = ({ subgroupMaxSize }: DeviceTraits): number => Math.max(fewestThreads, 4 * subgroupMaxSize);

/**
 * Variants `matrix_emulated…`, on software adapters with f16: the same kernel with the device's unit (or 16 × 16 × 16) put together from
 * plain arithmetic. They show that the kernel is right on devices without matrix units, and stand last wherever variants are chosen.
 * Hardware is not offered them: they could only lose there, after dispatches so long that a driver may take them for a hang.
 */
export function emulatedVariants(product: MatrixProduct): Variants {
  const { device, kernels } = product;
  if (!device.software || !device.features.has('shader-f16')) return {};
  const { M, N, K } = unitOf(device) ?? units[0];
  const unit = { M, N, K, componentType: 'f16' };
  // As many as with real units, spare ones too, where the device allows them.
  const threads = threadsOf(device) <= mostThreads(device) ? threadsOf(device) : fewestThreads;
  const constants = { M, N, K, SPARE_SUBGROUPS: Number(threads > fewestThreads) };
  return named('matrix_emulated', product, blocks(product, unit, kernels.emulated, threads, constants));
}

/** Workgroups that sums are cut up for: 4 for each core. */
export const wantedGroups = 4 * cores;

/** Fragments of a subgroup's part of a block, and the speed that the table reckons with: a smaller one loads more for each product. */
const shapes = [
  { fragmentRows: 4, fragmentColumns: 4, speed: 1 },
  { fragmentRows: 4, fragmentColumns: 2, speed: 0.9 },
  { fragmentRows: 2, fragmentColumns: 4, speed: 0.9 },
];
type BlockShape = (typeof shapes)[number];

/** The unit of this device that is taken; undefined without one. */
const unitOf = ({ matrixConfigs }: DeviceTraits) =>
  units.find(({ M, N, K, componentType }) =>
    matrixConfigs.some(
      (config) =>
        config.M === M &&
        config.N === N &&
        config.K === K &&
        config.componentType === componentType &&
        config.resultComponentType === 'f32',
    ),
  );

/** The blocks that fit the device, each as deep as it can be. */
function blocks(
  { leftAcross, rightAcross, device }: MatrixProduct,
  unit: Unit,
  kernel: Kernel,
  threads: number,
  sizes: Constants = {},
): MatrixBlock[] {
  return shapes.flatMap((shape) => {
    const [rows, columns] = [2 * shape.fragmentRows * unit.M, 2 * shape.fragmentColumns * unit.N];
    const depth = [32, 16].find((k) => bytesOf(unit, shape, k) <= device.limits['maxComputeWorkgroupStorageSize']);
    // Each thread moves whole words of both operands.
    if (!depth || threads > Math.min(mostThreads(device), (Math.min(rows, columns) * depth) / 4)) return [];
    const constants = {
      ...sizes,
      THREADS: threads,
      BLOCK_K: depth,
      FRAGMENT_ROWS: shape.fragmentRows,
      FRAGMENT_COLUMNS: shape.fragmentColumns,
      LEFT_ACROSS: Number(leftAcross),
      RIGHT_ACROSS: Number(rightAcross),
    };
    return [{ kernel, constants, rows, columns, depth, speed: shape.speed }];
  });
}

/** Bytes of workgroup memory: operands with 16 bytes behind each line, where later a strip of sums lies, and tables of pixels. */
function bytesOf({ M, N, componentType }: Unit, { fragmentRows, fragmentColumns }: BlockShape, depth: number): number {
  const [rows, columns] = [2 * fragmentRows * M, 2 * fragmentColumns * N];
  const line = depth * (componentType === 'f16' ? 2 : 4) + 16;
  const strips = 4 * M * (fragmentColumns * N * 4 + 32);
  return Math.max((rows + columns) * line, strips) + Math.max(rows, 2 * depth) * 16;
}

/** The block first of which the busiest core has the least to do. */
function named(name: string, { work, launches }: MatrixProduct, fitting: readonly MatrixBlock[]): Variants {
  const cost = (block: MatrixBlock) => {
    const { groups, terms } = work(block);
    return (Math.ceil(groups / cores) * block.rows * block.columns * terms) / block.speed;
  };
  const sorted = fitting.toSorted((a, b) => cost(a) - cost(b));
  return Object.fromEntries(
    sorted.map(
      (block, i) => [i === 0 ? name : `${name}_${block.rows}x${block.columns}`, () => launches(block)] as const,
    ),
  );
}
