/** How queries are compared with keys without a matrix of all pairs: kernels/info_nce. */
import backward from '../../kernels/info_nce/backward.wgsl';
import backwardSubgroup from '../../kernels/info_nce/backward_subgroup.wgsl';
import forward from '../../kernels/info_nce/forward.wgsl';
import forwardSubgroup from '../../kernels/info_nce/forward_subgroup.wgsl';
import gather from '../../kernels/info_nce/gather.wgsl';
import merge from '../../kernels/info_nce/merge.wgsl';
import pack from '../../kernels/info_nce/pack.wgsl';
import type { DeviceTraits } from '../gpu/device.ts';
import { grid1d, type Kernel } from '../gpu/kernel.ts';
import { bytesPerElement, type Launch, type Lowering, Scratch, type Tensor, type Variants } from '../graph/tensor.ts';
import { rowMeanLaunch } from './row_mean.ts';
import { ordered } from './variants.ts';

export interface InfoNceAttrs {
  /** Each of the first `own` keys is the positive of one query, and no candidate of any other. */
  readonly own: number;
}

export interface InfoNceBackwardAttrs extends InfoNceAttrs {
  /** What the gradient is of: queries, keys from number `first` on, or queries that are the keys. */
  readonly of: 'queries' | 'keys' | 'both';
  readonly first: number;
}

/** Kernels, the columns that a workgroup takes at once, and what rows and columns are filled up to a multiple of. */
interface Family {
  readonly forward: Kernel;
  readonly backward: Kernel;
  readonly columns: number;
  readonly multiple: number;
}

/** The rows that a workgroup takes. */
const tileRows = 64;
const mostSlices = 64;
const mostPartialBytes = 2 ** 26;

const portable: Family = { forward, backward, columns: 8, multiple: 8 };
const subgroup: Family = { forward: forwardSubgroup, backward: backwardSubgroup, columns: 16, multiple: tileRows };

/** On software adapters threads that share their loads through quads are about twice as fast. */
const familyVariants = (device: DeviceTraits, make: (family: Family) => readonly Launch[]): Variants =>
  ordered(device, device.features.has('subgroups') ? { subgroup: () => make(subgroup) } : {}, {
    portable: () => make(portable),
  });

export const forwardLaunches = (lowering: Lowering<InfoNceAttrs>): readonly Launch[] =>
  lowering.selectVariant(familyVariants(lowering.device, (family) => forwardOf(family, lowering)));

function forwardOf(family: Family, { inputs, outputs, attrs: { own }, device }: Lowering<InfoNceAttrs>): Launch[] {
  const [q, keys, positive, excluded, temperature, ...queue] = inputs;
  const [loss, accuracy, lse] = outputs;
  const sides = packSides(q, [keys, ...queue], family);
  const { rows, columns, stride, dimensions } = sides;
  const { slice, slices, workgroups, room } = cut(rows, columns, family, device, mostSlices);
  const partial = new Scratch('info_nce slices', room * stride * 4 * bytesPerElement);
  const stats = new Scratch('info_nce rows', rows * 2 * bytesPerElement);
  return [
    ...sides.launches,
    {
      kernel: family.forward,
      bindings: { ...sides.bindings, positive, excluded, temperature, partial },
      params: { ...sides.params, slice, own },
      workgroups,
      flops: 2 * rows * columns * dimensions,
    },
    {
      kernel: merge,
      bindings: { partial, positive, lse, stats },
      params: { rows, columns, stride, slices },
      workgroups: grid1d(rows, 64),
    },
    rowMeanLaunch(stats, rows, loss, accuracy),
  ];
}

export const backwardLaunches = (lowering: Lowering<InfoNceBackwardAttrs>): readonly Launch[] =>
  lowering.selectVariant(familyVariants(lowering.device, (family) => backwardOf(family, lowering)));

function backwardOf(
  family: Family,
  { inputs, outputs: [dx], attrs, device }: Lowering<InfoNceBackwardAttrs>,
): Launch[] {
  const [dloss, lse, positive, excluded, temperature, x, ...others] = inputs;
  const { own, of, first } = attrs;
  const sides = packSides(x, others, family);
  const { rows, columns, stride, dimensions } = sides;
  const { quads } = sides.params;
  const sliceBytes = quads * stride * 4 * bytesPerElement;
  const most = Math.min(mostSlices, mostPartialBytes / sliceBytes);
  const { slice, slices, workgroups } = cut(rows, columns, family, device, most);
  const partial = new Scratch('info_nce_backward slices', slices * sliceBytes);
  return [
    ...sides.launches,
    {
      kernel: family.backward,
      constants: { rows_ask: Number(of !== 'keys'), columns_ask: Number(of !== 'queries') },
      bindings: { ...sides.bindings, positive, excluded, temperature, lse, partial },
      params: { ...sides.params, slice, own, first },
      workgroups,
      flops: 4 * rows * columns * dimensions,
    },
    {
      kernel: gather,
      bindings: { partial, dloss, temperature, dx },
      params: { rows, dimensions, stride, slices, queries: lse.size },
      workgroups: grid1d(rows * quads, 64),
    },
  ];
}

/**
 * Slices of the columns, so that few rows fill the device too: columns a slice, slices, and the grid. `room`: slices that a grid with
 * surplus workgroups writes, where it had to be folded.
 */
function cut(rows: number, columns: number, family: Family, { software }: DeviceTraits, most: number) {
  const down = Math.ceil(rows / tileRows);
  const wanted = Math.ceil((software ? 16 : 256) / down);
  const tiles = Math.ceil(columns / family.columns);
  const slice = Math.ceil(tiles / Math.max(1, Math.min(wanted, Math.floor(most), tiles))) * family.columns;
  const slices = Math.ceil(columns / slice);
  const workgroups = grid1d(down * slices, 1);
  return { slice, slices, workgroups, room: Math.ceil((workgroups[0] * workgroups[1]) / down) };
}

/** Rows and columns of the comparison as the kernels read them; packed once where they are the same. */
function packSides(x: Tensor, others: readonly Tensor[], family: Family) {
  const columnSide = packed(others, family);
  const rowSide = others.length === 1 && others[0] === x ? columnSide : packed([x], family);
  return {
    rows: rowSide.count,
    columns: columnSide.count,
    stride: rowSide.stride,
    dimensions: x.shape[1],
    bindings: { packed_rows: rowSide.buffer, packed_columns: columnSide.buffer },
    params: {
      ...{ rows: rowSide.count, columns: columnSide.count },
      ...{ row_stride: rowSide.stride, column_stride: columnSide.stride },
      quads: Math.ceil(x.shape[1] / 4),
    },
    launches: [...new Set([rowSide, columnSide])].flatMap(({ launches }) => launches),
  };
}

/** Matrices one below the other, laid out as kernels/info_nce/pack.wgsl says; zeros behind the last one's last row. */
function packed(matrices: readonly Tensor[], { multiple }: Family) {
  const dimensions = matrices[0].shape[1];
  const quads = Math.ceil(dimensions / 4);
  const count = matrices.reduce((sum, { shape }) => sum + shape[0], 0);
  const stride = Math.ceil(count / multiple) * multiple;
  const buffer = new Scratch('info_nce packed', stride * quads * 4 * bytesPerElement);
  let first = 0;
  const launches = matrices.map((x, index): Launch => {
    const [rows] = x.shape;
    const span = index === matrices.length - 1 ? stride - first : rows;
    const size = span * quads;
    const params = { rows, dimensions, first, span, stride, size };
    first += rows;
    return { kernel: pack, bindings: { x, packed: buffer }, params, workgroups: grid1d(size, 64) };
  });
  return { count, stride, buffer, launches };
}
