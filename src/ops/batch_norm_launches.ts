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
import normalise from '../../kernels/batch_norm/normalise.wgsl';
import normaliseF16 from '../../kernels/batch_norm/normalise_f16.wgsl';
import normaliseScalar from '../../kernels/batch_norm/normalise_scalar.wgsl';
import normaliseScalarF16 from '../../kernels/batch_norm/normalise_scalar_f16.wgsl';
import statistics from '../../kernels/batch_norm/statistics.wgsl';
import statisticsF16 from '../../kernels/batch_norm/statistics_f16.wgsl';
import statisticsScalar from '../../kernels/batch_norm/statistics_scalar.wgsl';
import statisticsScalarF16 from '../../kernels/batch_norm/statistics_scalar_f16.wgsl';
import { grid1d } from '../gpu/kernel.ts';
import { bytesPerElement, type Launch, Scratch, type Spec, type Tensor } from '../graph/tensor.ts';
import { statisticsOfProcesses, sumsOfProcesses } from './batch_norm_processes.ts';
import { division, type Kernels, mergeManySlices } from './batch_norm_slices.ts';

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
  const merged = mergeManySlices(divided, 0);
  const { launches, partial, params } = merged;
  const results = {
    ...{ running_mean, running_var, mean, rstd },
    tracked: tracked ?? new Scratch('tracked', bytesPerElement),
  };
  const ofSlices: Launch = {
    kernel: divided.pick(statisticsKernels),
    bindings: { x, partial: divided.partial },
    ...divided.perSlice,
  };
  if (processes > 1)
    return [ofSlices, ...launches, ...statisticsOfProcesses(x, { processes, eps, momentum }, merged, results)];
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
