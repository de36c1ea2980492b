/** Tiles of matrix products for GPUs: which there are (see `kernels/lib/gemm/tile.wgsl`), which fit a device, which comes first. */
import type { DeviceTraits } from '../gpu/device.ts';
import type { Launch, Variants } from '../graph/tensor.ts';

/** What one workgroup computes: rows × columns of the product, `depth` terms of the sum at a time. */
export interface Tile {
  readonly rows: number;
  readonly columns: number;
  readonly depth: number;
}

/** What a tile makes of a product: workgroups, and what each of them has to do for an element of its tile, in terms of the sum. */
export interface Work {
  readonly groups: number;
  readonly terms: number;
}

/** Cores of the device that the table is made for, a data-centre GPU: WebGPU does not tell. */
export const cores = 132;

/**
 * What a partial sum costs, written and read again, in terms of the sum: 8 bytes at 4.3 TB/s against multiply-adds at
 * 33.5 · 10¹² a second.
 */
export const termsOfPartialSum = 62;

/**
 * Tiles from the largest on, with the speed of one workgroup's arithmetic that the table reckons with (not measured): a smaller
 * tile reads more bytes for each product. The first depth that fits is taken; 8 fits the 16 KiB of workgroup memory that every device has.
 */
const tiles = {
  whole: { rows: 128, columns: 128, depths: [16, 8], speed: 1 },
  tall: { rows: 128, columns: 64, depths: [8], speed: 0.92 },
  wide: { rows: 64, columns: 128, depths: [8], speed: 0.92 },
  quarter: { rows: 64, columns: 64, depths: [8], speed: 0.75 },
};

/** Threads of a workgroup: 8 × 8 sums each. */
export const threadsOf = ({ rows, columns }: Tile): number => (rows * columns) / 64;

/** Two stages of both matrices in f32. */
const bytesOf = ({ rows, columns, depth }: Tile): number => 2 * depth * (rows + columns) * 4;

const fits = (tile: Tile, { limits }: DeviceTraits): boolean =>
  threadsOf(tile) <= Math.min(limits['maxComputeInvocationsPerWorkgroup'], limits['maxComputeWorkgroupSizeX']) &&
  bytesOf(tile) <= limits['maxComputeWorkgroupStorageSize'];

/** A kernel's constants. */
export const tileConstants = ({ rows, columns, depth }: Tile) => ({
  tile_rows: rows,
  tile_columns: columns,
  tile_depth: depth,
});

/**
 * Variants `tiled_<rows>x<columns>` of a product: three tiles, of which the middle one is half as wide (`tall`) or half as high
 * (`wide`) as the largest; those that fit the device. The first is the one of which the busiest core has the least to do: large
 * tiles where there are enough of them, tiles as narrow as the product, small ones where there are few.
 */
export function tiledVariants(
  device: DeviceTraits,
  half: 'tall' | 'wide',
  work: (tile: Tile) => Work,
  launches: (tile: Tile) => readonly Launch[],
): Variants {
  const offered = [tiles.whole, tiles[half], tiles.quarter].flatMap(({ rows, columns, depths, speed }) => {
    const tile = depths.map((depth) => ({ rows, columns, depth })).find((candidate) => fits(candidate, device));
    if (!tile) return [];
    const { groups, terms } = work(tile);
    return [{ tile, cost: (Math.ceil(groups / cores) * rows * columns * terms) / speed }];
  });
  const sorted = offered.toSorted((a, b) => a.cost - b.cost);
  return Object.fromEntries(
    sorted.map(({ tile }) => [`tiled_${tile.rows}x${tile.columns}`, () => launches(tile)] as const),
  );
}
