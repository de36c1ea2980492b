import { check, type Op, type Tensor } from '../graph/tensor.ts';
import { apply, type Graph } from '../graph/trace.ts';
import {
  type BackwardAttrs,
  type BatchNormAttrs,
  backwardLaunches,
  batchNormOutputs,
  forwardLaunches,
  namedInputs,
} from './batch_norm_launches.ts';
import { fuseRelu, fuseReluBackward } from './batch_norm_relu.ts';

export interface BatchNormInputs {
  /** Scale and shift of each channel, [C]. */
  readonly weight: Tensor;
  readonly bias: Tensor;
  /** Variables [C]; training updates them in place. */
  readonly runningMean: Tensor;
  readonly runningVar: Tensor;
  readonly eps?: number;
}

export interface TrainingInputs extends BatchNormInputs {
  /** An integer variable [1] that counts training runs. */
  readonly numBatchesTracked?: Tensor;
  /** Share of the new statistics in the running ones. */
  readonly momentum?: number;
  /**
   * Parts of the batch, of equal length, that are normalised each by its own statistics, as on as many devices; the running ones follow
   * their means. A divisor of the batch, 1 by default.
   */
  readonly parts?: number;
  /**
   * Processes that run the same program (`Program.runShared`), by whose rows together each normalises its own; 1 by default. Gradients of
   * weight and bias are then each process's share of those of all: they add up to them. Not with `parts`.
   */
  readonly processes?: number;
}

/**
 * y = (x − mean) rstd weight + bias, rstd = 1/√(var + eps), per channel (the last axis) over all other axes. Outputs y, mean and
 * rstd of each part of the batch; mean is [parts · 2, C], two numbers whose sum is the mean: where data lie far from zero, one f32 is
 * too short for it.
 * x, y and their gradients are f32 or f16, all else is f32, sums too. In training, var is the biased variance of the batch, and running = (1 − momentum) running + momentum (mean, unbiased var).
 */
export const batchNormOp: Op<BatchNormAttrs> = {
  name: 'batch_norm',
  infer(inputs, attrs) {
    checkInputs(inputs, attrs);
    return batchNormOutputs(inputs, attrs);
  },
  launches: ({ inputs, outputs, attrs }) => forwardLaunches(inputs, outputs, attrs, { relu: false }),
  gradient({ inputs: [x, weight], outputs: [, mean, rstd], attrs: { training, parts, processes } }, [dy]) {
    return dy ? apply(batchNormBackwardOp, [x, dy, weight, mean, rstd], { training, parts, processes }) : [];
  },
  mutates: ({ training }, inputs) => (training ? inputs.map((_, index) => index).slice(3) : []),
  fuseBehind: fuseRelu,
};

function checkInputs(inputs: readonly Tensor[], { training, parts, processes }: BatchNormAttrs): void {
  const { x, weight, bias, runningMean, runningVar, tracked } = namedInputs(inputs);
  const channels = x.shape.at(-1);
  check(x.shape.length >= 2, 'batch_norm', 'the input must be [..., channels]', x);
  for (const tensor of [weight, bias, runningMean, runningVar]) {
    check(
      tensor.shape.join() === `${channels}`,
      'batch_norm',
      `expected [${channels}], one value a channel`,
      tensor,
      x,
    );
  }
  const divided = Number.isInteger(parts) && parts >= 1 && x.shape[0] % parts === 0;
  check(divided, 'batch_norm', `the batch must be ${parts} parts of equal length`, x);
  check(
    parts === 1 || processes === 1,
    'batch_norm',
    'parts have statistics of their own, processes have them together',
    x,
  );
  const several = (x.size / parts) * processes > x.shape.at(-1)!;
  check(!training || several, 'batch_norm', 'expected more than 1 value per channel when training', x);
  if (tracked) {
    check(tracked.size === 1 && tracked.dtype !== 'f32', 'batch_norm', 'batches are counted by one integer', tracked);
  }
}

/**
 * With x̂ = (x − mean) rstd: dbias = Σ dy, dweight = Σ dy x̂, dx = weight rstd (dy − (dbias + x̂ dweight) / rows); without the
 * last term where the statistics were not the batch's.
 */
export const batchNormBackwardOp: Op<BackwardAttrs> = {
  name: 'batch_norm_backward',
  infer: ([x, , weight]) => [x, weight, weight],
  launches({ inputs: [x, dy, weight, mean, rstd], outputs: [dx, dweight, dbias], attrs, inPlace }) {
    return backwardLaunches({ x, dy, weight, mean, rstd, dx, dweight, dbias }, { ...attrs, inPlace });
  },
  inPlace: { output: 0, input: 1 },
  fuse: fuseReluBackward,
};

/** Batch normalisation in training: x is [..., C]; the running statistics are updated by the same launches. */
export function batchNorm(x: Tensor, options: TrainingInputs): Tensor {
  const { weight, bias, runningMean, runningVar, numBatchesTracked } = options;
  const { eps = 1e-5, momentum = 0.1, parts = 1, processes = 1 } = options;
  const counter = numBatchesTracked ? [numBatchesTracked] : [];
  const inputs = [x, weight, bias, runningMean, runningVar, ...counter];
  return apply(batchNormOp, inputs, { training: true, eps, momentum, parts, processes })[0];
}

/** Batch normalisation by the running statistics, which stay as they are. */
export function batchNormInference(x: Tensor, options: BatchNormInputs): Tensor {
  const { weight, bias, runningMean, runningVar, eps = 1e-5 } = options;
  return apply(batchNormOp, [x, weight, bias, runningMean, runningVar], {
    training: false,
    eps,
    momentum: 0,
    parts: 1,
    processes: 1,
  })[0];
}

/**
 * How much of a running statistic a run of a graph leaves in it: the product of 1 − momentum over the batch norms that update it; 1 where
 * none does.
 */
export function shareKept({ nodes }: Pick<Graph, 'nodes'>, running: Tensor): number {
  let kept = 1;
  for (const { op, inputs, attrs } of nodes) {
    if (op.name !== batchNormOp.name) continue;
    const { training, momentum } = attrs as BatchNormAttrs;
    const { runningMean, runningVar } = namedInputs(inputs);
    if (training && (runningMean === running || runningVar === running)) kept *= 1 - momentum;
  }
  return kept;
}
