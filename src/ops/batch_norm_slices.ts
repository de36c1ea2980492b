/** How batch norm divides its rows into slices, and brings what is found in them together. */
import mergeSlices from '../../kernels/batch_norm/merge_slices.wgsl';
import { grid1d, type Kernel } from '../gpu/kernel.ts';
import { bytesPerElement, type Launch, Scratch, type Tensor } from '../graph/tensor.ts';

/** A kernel for four neighbouring channels at a time and one for any number of channels, for x of f32 and for x of f16. */
export type Kernels = Readonly<Record<'f32' | 'f16', readonly [four: Kernel, one: Kernel]>>;

/** Slices of parts of the rows, and where what was found in them lies. */
interface Slices {
  readonly parts: number;
  readonly partRows: number;
  readonly partSlices: number;
  readonly channels: number;
  readonly sliceRows: number;
  readonly partial: Scratch;
}

/** Rows that one invocation normalises. */
const blockRows = 8;
/** More slices than this are merged in two steps. */
const mostSlices = 48;

/**
 * How the work on x [rows, channels] is divided. Four neighbouring channels are one `Value` where they can be. Statistics are
 * taken over slices of about √rows / 4 rows of a part, so that launches over rows and over slices both have short loops.
 */
export function division(x: Tensor, parts: number) {
  const channels = x.shape.at(-1)!;
  const partRows = x.size / channels / parts;
  const wide = channels % 4 === 0;
  const values = wide ? channels / 4 : channels;
  const sliceRows = Math.max(8, Math.ceil(Math.sqrt(partRows) / 4));
  const partSlices = Math.ceil(partRows / sliceRows);
  const slices = parts * partSlices;
  const partBlocks = Math.ceil(partRows / blockRows);
  return {
    ...{ parts, partRows, partSlices, channels, sliceRows },
    pick: (kernels: Kernels): Kernel => kernels[x.dtype === 'f16' ? 'f16' : 'f32'][wide ? 0 : 1],
    perSlice: {
      params: { channels: values, slices, slice_rows: sliceRows, part_rows: partRows, part_slices: partSlices },
      workgroups: grid1d(slices * values, 64),
    },
    perElement: {
      params: { channels: values, block_rows: blockRows, parts, part_rows: partRows, part_blocks: partBlocks },
      workgroups: grid1d(parts * partBlocks * values, 64),
    },
    partial: newPartial(slices, channels),
  };
}

/** Two numbers of every channel for every slice. */
const newPartial = (slices: number, channels: number) =>
  new Scratch('partial', slices * 2 * channels * bytesPerElement);

/** Slices that one invocation a channel walks over, and the launches that make them of more. */
export interface MergedSlices {
  readonly launches: readonly Launch[];
  readonly partial: Scratch;
  readonly params: Readonly<Record<'channels' | 'slice_rows' | 'part_rows' | 'part_slices' | 'parts', number>>;
}

/**
 * Brings many slices down to about their square root, so that one invocation a channel walks over few. Two short launches instead
 * of a tree with barriers, which took 20 times as long on lavapipe (512 channels) and 1,000 times on SwiftShader.
 */
export function mergeManySlices(
  { parts, partRows, partSlices, channels, sliceRows, partial }: Slices,
  sums: number,
): MergedSlices {
  const params = { channels, slice_rows: sliceRows, part_rows: partRows, part_slices: partSlices };
  if (partSlices <= mostSlices) return { launches: [], partial, params: { ...params, parts } };
  const fan = Math.ceil(Math.sqrt(partSlices));
  const fewer = Math.ceil(partSlices / fan);
  const merged = newPartial(parts * fewer, channels);
  const launch: Launch = {
    kernel: mergeSlices,
    constants: { sums },
    bindings: { partial, merged },
    params: { ...params, merged: parts * fewer, part_merged: fewer, fan },
    workgroups: grid1d(parts * fewer * channels, 64),
  };
  const after = { ...params, slice_rows: sliceRows * fan, part_slices: fewer, parts };
  return { launches: [launch], partial: merged, params: after };
}
