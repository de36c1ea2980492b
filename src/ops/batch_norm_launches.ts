import backwardApply from '../../kernels/batch_norm/backward_apply.wgsl';
import backwardApplyF16 from '../../kernels/batch_norm/backward_apply_f16.wgsl';
import backwardApplyScalar from '../../kernels/batch_norm/backward_apply_scalar.wgsl';
import backwardApplyScalarF16 from '../../kernels/batch_norm/backward_apply_scalar_f16.wgsl';
import backwardMerge from '../../kernels/batch_norm/backward_merge.wgsl';
import backwardSums from '../../kernels/batch_norm/backward_sums.wgsl';
import backwardSumsF16 from '../../kernels/batch_norm/backward_sums_f16.wgsl';
import backwardSumsScalar from '../../kernels/batch_norm/backward_sums_scalar.wgsl';
import backwardSumsScalarF16 from '../../kernels/batch_norm/backward_sums_scalar_f16.wgsl';
import frozen from '../../kernels/batch_norm/frozen.wgsl';
import merge from '../../kernels/batch_norm/merge.wgsl';
import mergeF16 from '../../kernels/batch_norm/merge_f16.wgsl';
import mergeProcesses from '../../kernels/batch_norm/merge_processes.wgsl';
import mergeSlices from '../../kernels/batch_norm/merge_slices.wgsl';
import normalise from '../../kernels/batch_norm/normalise.wgsl';
import normaliseF16 from '../../kernels/batch_norm/normalise_f16.wgsl';
import normaliseScalar from '../../kernels/batch_norm/normalise_scalar.wgsl';
import normaliseScalarF16 from '../../kernels/batch_norm/normalise_scalar_f16.wgsl';
import ownStatistics from '../../kernels/batch_norm/own_statistics.wgsl';
import ownStatisticsF16 from '../../kernels/batch_norm/own_statistics_f16.wgsl';
import statistics from '../../kernels/batch_norm/statistics.wgsl';
import statisticsF16 from '../../kernels/batch_norm/statistics_f16.wgsl';
import statisticsScalar from '../../kernels/batch_norm/statistics_scalar.wgsl';
import statisticsScalarF16 from '../../kernels/batch_norm/statistics_scalar_f16.wgsl';
import { grid1d, type Kernel } from '../gpu/kernel.ts';
import { bytesPerElement, type Launch, Scratch, type Spec, type Tensor } from '../graph/tensor.ts';

/** A kernel for four neighbouring channels at a time and one for any number of channels, for x of f32 and for x of f16. */
type Kernels = Readonly<Record<'f32' | 'f16', readonly [four: Kernel, one: Kernel]>>;

const statisticsKernels: Kernels = {
  f32: [statistics, statisticsScalar],
  f16: [statisticsF16, statisticsScalarF16],
};
const normaliseKernels: Kernels = {
  f32: [normalise, normaliseScalar],
  f16: [normaliseF16, normaliseScalarF16],
};
const sumsKernels: Kernels = {
  f32: [backwardSums, backwardSumsScalar],
  f16: [backwardSumsF16, backwardSumsScalarF16],
};
const applyKernels: Kernels = {
  f32: [backwardApply, backwardApplyScalar],
  f16: [backwardApplyF16, backwardApplyScalarF16],
};

/** Slices of parts of the rows, and where what was found in them lies. */
interface Slices {
  readonly parts: number;
  readonly partRows: number;
  readonly partSlices: number;
  readonly channels: number;
  readonly sliceRows: number;
  readonly partial: Scratch;
}

/** Statistics of the batch (`training`) or the running ones. */
export interface BatchNormAttrs {
  readonly training: boolean;
  /** Parts of the rows that are normalised each by its own statistics: 1, or in training a divisor of the batch. */
  readonly parts: number;
  /** Processes that normalise their rows together, by the statistics of all of them; 1, or in training any number. */
  readonly processes: number;
  readonly eps: number;
  readonly momentum: number;
}

/** Inputs of a batch norm in the order of its node, by name. */
export const namedInputs = ([x, weight, bias, runningMean, runningVar, tracked]: readonly Tensor[]) => ({
  x,
  weight,
  bias,
  runningMean,
  runningVar,
  tracked: tracked as Tensor | undefined,
});

/** y, and mean and rstd of each part of the rows. */
export const batchNormOutputs = ([x, { size: channels }]: readonly Tensor[], { parts }: BatchNormAttrs) =>
  [
    x,
    { shape: [2 * parts, channels], dtype: 'f32' },
    { shape: [parts * channels], dtype: 'f32' },
  ] satisfies readonly Spec[];

/** Rows that one invocation normalises. */
const blockRows = 8;
/** More slices than this are merged in two steps. */
const mostSlices = 48;

/**
 * How the work on x [rows, channels] is divided. Four neighbouring channels are one `Value` where they can be. Statistics are
 * taken over slices of about √rows / 4 rows of a part, so that launches over rows and over slices both have short loops.
 */
function division(x: Tensor, parts: number) {
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

/**
 * Brings many slices down to about their square root, so that one invocation a channel walks over few. Two short launches instead
 * of a tree with barriers, which took 20 times as long on lavapipe (512 channels) and 1,000 times on SwiftShader.
 */
function mergeManySlices({ parts, partRows, partSlices, channels, sliceRows, partial }: Slices, sums: number) {
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

/** Fills mean and rstd, from the batch (updating the running statistics) or from the running statistics. */
function statisticsLaunches(inputs: readonly Tensor[], mean: Tensor, rstd: Tensor, attrs: BatchNormAttrs): Launch[] {
  const { x, runningMean: running_mean, runningVar: running_var, tracked } = namedInputs(inputs);
  const { eps, momentum, training, parts, processes } = attrs;
  const divided = division(x, parts);
  const workgroups = grid1d(divided.channels, 64);
  if (!training) {
    const bindings = { running_mean, running_var, mean, rstd };
    return [{ kernel: frozen, bindings, params: { channels: divided.channels, eps }, workgroups }];
  }
  const { launches, partial, params } = mergeManySlices(divided, 0);
  const results = {
    ...{ running_mean, running_var, mean, rstd },
    tracked: tracked ?? new Scratch('tracked', bytesPerElement),
  };
  const ofSlices: Launch = {
    kernel: divided.pick(statisticsKernels),
    bindings: { x, partial: divided.partial },
    ...divided.perSlice,
  };
  if (processes > 1) {
    const { channels, partRows: rows } = divided;
    const { own, all } = ofProcesses(processes, 3 * channels);
    const kernel = x.dtype === 'f16' ? ownStatisticsF16 : ownStatistics;
    const shared = { kind: 'gather', own, all } as const;
    const { parts: _, ...ofSlice } = params;
    return [
      ofSlices,
      ...launches,
      { kernel, bindings: { partial, x, own }, constants: { sums: 0 }, params: ofSlice, workgroups, shared },
      {
        kernel: mergeProcesses,
        bindings: { all, ...results },
        params: { channels, processes, rows, eps, momentum },
        workgroups,
      },
    ];
  }
  return [
    ofSlices,
    ...launches,
    {
      kernel: x.dtype === 'f16' ? mergeF16 : merge,
      bindings: { partial, x, ...results },
      constants: { sums: 0 },
      params: { ...params, eps, momentum },
      workgroups,
    },
  ];
}

/** What a process finds by itself, and where that of all comes. */
const ofProcesses = (processes: number, numbers: number) => ({
  own: new Scratch('own', numbers * bytesPerElement),
  all: new Scratch('of all processes', processes * numbers * bytesPerElement),
});

/** The sums of all processes, a slice of each, from those of the slices of this one. */
function sumsOfProcesses(processes: number, { partial, params }: ReturnType<typeof mergeManySlices>) {
  const { parts: _, ...ofSlice } = params;
  const { channels, part_rows: rows, part_slices: fan } = ofSlice;
  const { own, all } = ofProcesses(processes, 2 * channels);
  const launch: Launch = {
    kernel: mergeSlices,
    constants: { sums: 1 },
    bindings: { partial, merged: own },
    params: { ...ofSlice, merged: 1, part_merged: 1, fan },
    workgroups: grid1d(channels, 64),
    shared: { kind: 'gather', own, all },
  };
  const after = { channels, slice_rows: rows, part_rows: processes * rows, part_slices: processes, parts: 1 };
  return { launches: [launch], partial: all, params: after };
}

/** Launches of y = normalise(x) [+ residual] [ReLU]; `inputs` are those of the batch norm. */
export function forwardLaunches(
  inputs: readonly Tensor[],
  [y, mean, rstd]: readonly Tensor[],
  attrs: BatchNormAttrs,
  { relu, residual }: { relu: boolean; residual?: Tensor },
): Launch[] {
  const { x, weight, bias } = namedInputs(inputs);
  const { pick, perElement } = division(x, attrs.parts);
  return [
    ...statisticsLaunches(inputs, mean, rstd, attrs),
    {
      kernel: pick(normaliseKernels),
      constants: { with_residual: Number(residual !== undefined), with_relu: Number(relu) },
      bindings: { x, residual: residual ?? x, mean, rstd, weight, bias, y },
      ...perElement,
    },
  ];
}

export interface BackwardTensors {
  readonly x: Tensor;
  readonly dy: Tensor;
  readonly weight: Tensor;
  readonly mean: Tensor;
  readonly rstd: Tensor;
  readonly dx: Tensor;
  readonly dweight: Tensor;
  readonly dbias: Tensor;
  /** Output of the ReLU that followed: dy counts where y > 0. */
  readonly y?: Tensor;
  /** In place of y, where nothing was added before the ReLU: y > 0 is found from x again. */
  readonly bias?: Tensor;
  /** Receives dy where y > 0. */
  readonly masked?: Tensor;
}

export type BackwardAttrs = Pick<BatchNormAttrs, 'training' | 'parts' | 'processes'>;

export interface BackwardOptions extends BackwardAttrs {
  /** dx lies where dy lay. */
  readonly inPlace: boolean;
}

/** Launches of the gradients with respect to x, weight and bias. */
export function backwardLaunches(
  tensors: BackwardTensors,
  { training, parts, processes, inPlace }: BackwardOptions,
): Launch[] {
  const { x, dy, weight, mean, rstd, dx, dweight, dbias, y, masked } = tensors;
  const bias = tensors.bias ?? weight; // bound, and read only to find y again
  const { channels, pick, perSlice, perElement, ...slices } = division(x, parts);
  const own = mergeManySlices({ channels, ...slices }, 1);
  const shared = processes > 1 ? sumsOfProcesses(processes, own) : { ...own, launches: [] };
  const { partial, params } = shared;
  const coefficients = new Scratch('coefficients', 4 * parts * channels * bytesPerElement);
  const relu = { with_relu: Number(y !== undefined), recompute: Number(tensors.bias !== undefined) };
  return [
    {
      kernel: pick(sumsKernels),
      constants: relu,
      bindings: { x, dy, y: y ?? dy, mean, rstd, weight, bias, partial: slices.partial },
      ...perSlice,
    },
    ...own.launches,
    ...shared.launches,
    {
      kernel: backwardMerge,
      bindings: { partial, weight, mean, rstd, bias, dweight, dbias, coefficients },
      constants: { sums: 1 },
      params: { ...params, frozen: Number(!training), share: 1 / processes },
      workgroups: grid1d(channels, 64),
    },
    {
      kernel: pick(applyKernels),
      constants: { ...relu, keep_masked: Number(masked !== undefined), in_place: Number(inPlace) },
      bindings: {
        ...{ x, mean, coefficients, dx, y: y ?? x, masked: masked ?? new Scratch('no masked dy', 16) },
        dy: inPlace ? x : dy, // one dispatch must not bind memory to read and to write
      },
      ...perElement,
    },
  ];
}
