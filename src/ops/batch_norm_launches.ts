import backwardApply from '../../kernels/batch_norm/backward_apply.wgsl';
import backwardApplyScalar from '../../kernels/batch_norm/backward_apply_scalar.wgsl';
import backwardMerge from '../../kernels/batch_norm/backward_merge.wgsl';
import backwardSums from '../../kernels/batch_norm/backward_sums.wgsl';
import backwardSumsScalar from '../../kernels/batch_norm/backward_sums_scalar.wgsl';
import frozen from '../../kernels/batch_norm/frozen.wgsl';
import merge from '../../kernels/batch_norm/merge.wgsl';
import normalise from '../../kernels/batch_norm/normalise.wgsl';
import normaliseScalar from '../../kernels/batch_norm/normalise_scalar.wgsl';
import statistics from '../../kernels/batch_norm/statistics.wgsl';
import statisticsScalar from '../../kernels/batch_norm/statistics_scalar.wgsl';
import { grid1d, type Kernel } from '../gpu/kernel.ts';
import { bytesPerElement, type Launch, Scratch, type Tensor } from '../graph/tensor.ts';

/** Statistics of the batch (`training`) or the running ones. */
export interface BatchNormAttrs {
  readonly training: boolean;
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

/** Rows that one invocation normalises. */
const blockRows = 8;

/**
 * How the work on x [rows, channels] is divided. Four neighbouring channels are one `Value` where they can be. Statistics are
 * taken over slices of about √rows / 4 rows, so that both launches, over rows and over slices, have short loops and many lanes.
 */
function division(x: Tensor) {
  const channels = x.shape.at(-1)!;
  const rows = x.size / channels;
  const wide = channels % 4 === 0;
  const values = wide ? channels / 4 : channels;
  const sliceRows = Math.max(8, Math.ceil(Math.sqrt(rows) / 4));
  const slices = Math.ceil(rows / sliceRows);
  return {
    rows,
    channels,
    slices,
    sliceRows,
    pick: (four: Kernel, one: Kernel): Kernel => (wide ? four : one),
    perSlice: {
      params: { rows, channels: values, slices, slice_rows: sliceRows },
      workgroups: grid1d(slices * values, 64),
    },
    perElement: {
      params: { rows, channels: values, block_rows: blockRows },
      workgroups: grid1d(Math.ceil(rows / blockRows) * values, 64),
    },
    partial: new Scratch('partial', slices * 2 * channels * bytesPerElement),
    mergeGroups: [Math.ceil(channels / 8), 1, 1] as const,
  };
}

/** Fills mean and rstd, from the batch (updating the running statistics) or from the running statistics. */
function statisticsLaunches(inputs: readonly Tensor[], mean: Tensor, rstd: Tensor, attrs: BatchNormAttrs): Launch[] {
  const { x, runningMean: running_mean, runningVar: running_var, tracked } = namedInputs(inputs);
  const { rows, channels, slices, sliceRows, pick, perSlice, partial, mergeGroups } = division(x);
  const { eps, momentum, training } = attrs;
  if (!training) {
    const bindings = { running_mean, running_var, mean, rstd };
    return [{ kernel: frozen, bindings, params: { channels, eps }, workgroups: grid1d(channels, 64) }];
  }
  const counter = tracked ?? new Scratch('tracked', bytesPerElement);
  return [
    { kernel: pick(statistics, statisticsScalar), bindings: { x, partial }, ...perSlice },
    {
      kernel: merge,
      bindings: { partial, x, running_mean, running_var, tracked: counter, mean, rstd },
      params: { rows, channels, slices, slice_rows: sliceRows, eps, momentum },
      workgroups: mergeGroups,
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
  const { pick, perElement } = division(x);
  return [
    ...statisticsLaunches(inputs, mean, rstd, attrs),
    {
      kernel: pick(normalise, normaliseScalar),
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
  /** Receives dy where y > 0. */
  readonly masked?: Tensor;
}

/** Launches of the gradients with respect to x, weight and bias. */
export function backwardLaunches(tensors: BackwardTensors, training: boolean): Launch[] {
  const { x, dy, weight, mean, rstd, dx, dweight, dbias, y, masked } = tensors;
  const { rows, channels, slices, pick, perSlice, perElement, partial, mergeGroups } = division(x);
  const coefficients = new Scratch('coefficients', 3 * channels * bytesPerElement);
  const with_relu = Number(y !== undefined);
  return [
    {
      kernel: pick(backwardSums, backwardSumsScalar),
      constants: { with_relu },
      bindings: { x, dy, y: y ?? dy, mean, partial },
      ...perSlice,
    },
    {
      kernel: backwardMerge,
      bindings: { partial, weight, mean, rstd, dweight, dbias, coefficients },
      params: { rows, channels, slices, frozen: Number(!training) },
      workgroups: mergeGroups,
    },
    {
      kernel: pick(backwardApply, backwardApplyScalar),
      constants: { with_relu, keep_masked: Number(masked !== undefined) },
      bindings: { x, dy, y: y ?? dy, mean, coefficients, dx, masked: masked ?? new Scratch('no masked dy', 16) },
      ...perElement,
    },
  ];
}
