import backward from '../../kernels/nt_xent/backward.wgsl';
import backwardSubgroup from '../../kernels/nt_xent/backward_subgroup.wgsl';
import forward from '../../kernels/nt_xent/forward.wgsl';
import forwardSubgroup from '../../kernels/nt_xent/forward_subgroup.wgsl';
import gather from '../../kernels/nt_xent/gather.wgsl';
import merge from '../../kernels/nt_xent/merge.wgsl';
import pack from '../../kernels/nt_xent/pack.wgsl';
import type { DeviceTraits } from '../gpu/device.ts';
import { grid1d, type Kernel } from '../gpu/kernel.ts';
import { bytesPerElement, check, type Launch, type Op, Scratch, type Tensor, type Variants } from '../graph/tensor.ts';
import { apply } from '../graph/trace.ts';
import { rowMeanLaunch } from './row_mean.ts';
import { ordered } from './variants.ts';

interface Attrs {
  readonly temperature: number;
}

/**
 * loss = 1/2N Σ_i [lse_i − s_ip], lse_i = log Σ_{k≠i} exp s_ik, s_ik = y_i·y_k / temperature, for 2N unit rows y; p = (i + N) mod 2N.
 * accuracy: the share of rows of whose 2N − 1 candidates p is the most similar one; of equals the first counts, as in `argmax`.
 * The 2N × 2N matrix is never stored; lse [2N] is saved for the gradient.
 */
export const ntXentOp: Op<Attrs> = {
  name: 'nt_xent',
  infer([y], { temperature }) {
    const pairs = y.shape.length === 2 && y.dtype === 'f32' && y.shape[0] >= 2 && y.shape[0] % 2 === 0;
    check(pairs, 'nt_xent', 'the input must be a f32 matrix of 2N rows, row i with row i + N', y);
    check(temperature > 0, 'nt_xent', `the temperature must be above 0, it is ${temperature}`, y);
    return [
      { shape: [1], dtype: 'f32' },
      { shape: [1], dtype: 'f32' },
      { shape: [y.shape[0]], dtype: 'f32' },
    ];
  },
  launches: ({ inputs: [y], outputs, attrs, device, selectVariant }) =>
    selectVariant(familyVariants(device, (family) => forwardLaunches(family, device, y, outputs, attrs))),
  gradient: ({ inputs: [y], outputs: [, , lse], attrs }, [dloss]) => [
    dloss && apply(ntXentBackwardOp, [dloss, y, lse], attrs)[0],
  ],
};

/** dy = dloss (A + Aᵀ) y with A = (P − Y) / (2N temperature), P_ik = exp(s_ik − lse_i) computed again, Y the positives' one-hot rows. */
export const ntXentBackwardOp: Op<Attrs> = {
  name: 'nt_xent_backward',
  infer: ([, y]) => [y],
  launches: ({ inputs, outputs: [dy], attrs, device, selectVariant }) =>
    selectVariant(familyVariants(device, (family) => backwardLaunches(family, device, inputs, dy, attrs))),
};

/** Kernels, the rows that a workgroup takes, the columns that it takes at once, and what rows are filled up to a multiple of. */
interface Family {
  readonly forward: Kernel;
  readonly backward: Kernel;
  readonly columns: number;
  readonly multiple: number;
  grid(down: number, slices: number): [number, number, number];
}
const tileRows = 64;
const mostSlices = 64;
const mostPartialBytes = 2 ** 26;

const portable: Family = {
  forward,
  backward,
  columns: 8,
  multiple: 8,
  grid: (down, slices) => grid1d(down * slices, 1),
};
const subgroup: Family = {
  forward: forwardSubgroup,
  backward: backwardSubgroup,
  columns: 16,
  multiple: tileRows,
  grid: (down, slices) => [down, slices, 1],
};

/** On software adapters threads that share their loads through quads are about twice as fast. */
const familyVariants = (device: DeviceTraits, make: (family: Family) => readonly Launch[]): Variants =>
  ordered(device, device.features.has('subgroups') ? { subgroup: () => make(subgroup) } : {}, {
    portable: () => make(portable),
  });

function forwardLaunches(
  family: Family,
  device: DeviceTraits,
  y: Tensor,
  [loss, accuracy, lse]: readonly Tensor[],
  { temperature }: Attrs,
): Launch[] {
  const [rows, columns] = y.shape;
  const { packed, stride, quads, launch } = packLaunch(y, family);
  const { slice, slices, workgroups } = cut(rows, family, device, mostSlices);
  const partial = new Scratch('nt_xent slices', slices * stride * 4 * bytesPerElement);
  const stats = new Scratch('nt_xent rows', rows * 2 * bytesPerElement);
  return [
    launch,
    {
      kernel: family.forward,
      bindings: { packed, partial },
      params: { rows, stride, quads, slice, temperature },
      workgroups,
      flops: 2 * rows * rows * columns,
    },
    {
      kernel: merge,
      bindings: { partial, lse, stats },
      params: { rows, stride, slices },
      workgroups: grid1d(rows, 64),
    },
    rowMeanLaunch(stats, rows, loss, accuracy),
  ];
}

function backwardLaunches(
  family: Family,
  device: DeviceTraits,
  [dloss, y, lse]: readonly Tensor[],
  dy: Tensor,
  { temperature }: Attrs,
): Launch[] {
  const [rows, columns] = y.shape;
  const { packed, stride, quads, launch } = packLaunch(y, family);
  const sliceBytes = quads * stride * 4 * bytesPerElement;
  const { slice, slices, workgroups } = cut(rows, family, device, Math.min(mostSlices, mostPartialBytes / sliceBytes));
  const partial = new Scratch('nt_xent_backward slices', slices * sliceBytes);
  return [
    launch,
    {
      kernel: family.backward,
      bindings: { packed, lse, partial },
      params: { rows, stride, quads, slice, temperature },
      workgroups,
      flops: 4 * rows * rows * columns,
    },
    {
      kernel: gather,
      bindings: { partial, dloss, dy },
      params: { rows, stride, columns, slices, scale: 1 / (rows * temperature) },
      workgroups: grid1d(rows * quads, 64),
    },
  ];
}

/** Slices of the columns, so that few rows fill the device too: columns a slice, slices, and the grid. */
function cut(rows: number, { columns, grid }: Family, { software }: DeviceTraits, most: number) {
  const down = Math.ceil(rows / tileRows);
  const wanted = Math.ceil((software ? 16 : 256) / down);
  const tiles = Math.ceil(rows / columns);
  const slice = Math.ceil(tiles / Math.max(1, Math.min(wanted, Math.floor(most), tiles))) * columns;
  const slices = Math.ceil(rows / slice);
  return { slice, slices, workgroups: grid(down, slices) };
}

function packLaunch(
  y: Tensor,
  { multiple }: Family,
): { packed: Scratch; stride: number; quads: number; launch: Launch } {
  const [rows, columns] = y.shape;
  const stride = Math.ceil(rows / multiple) * multiple;
  const quads = Math.ceil(columns / 4);
  const size = stride * quads;
  const packed = new Scratch('nt_xent packed', size * 4 * bytesPerElement);
  const launch = {
    kernel: pack,
    bindings: { y, packed },
    params: { rows, columns, stride, size },
    workgroups: grid1d(size, 64),
  };
  return { packed, stride, quads, launch };
}

/** The loss [1], the contrastive accuracy [1] and the log-sum-exp of each row [2N] of unit rows y [2N, D]: see `ntXentOp`. */
export function ntXentOfUnit(y: Tensor, attrs: Attrs): { loss: Tensor; accuracy: Tensor; lse: Tensor } {
  const [loss, accuracy, lse] = apply(ntXentOp, [y], attrs);
  return { loss, accuracy, lse };
}
