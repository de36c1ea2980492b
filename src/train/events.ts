/** What a run tells while it goes on, and at its end. */
import type { Data } from '../graph/tensor.ts';

/** The loss scale of a run in f16. */
export interface ScaleReport {
  readonly scale: number;
  /** Steps so far that were skipped because scaled gradients overflowed. */
  readonly skipped: number;
}

/** The loss scale among the outputs of a step; undefined in f32. */
export function scaleReport({ lossScale, lossScaleCounts }: Readonly<Record<string, Data>>): ScaleReport | undefined {
  return lossScale && lossScaleCounts && { scale: lossScale[0], skipped: lossScaleCounts[2] };
}

/** What a step showed, with labels or without. */
export interface StepReport {
  readonly step: number;
  readonly steps: number;
  readonly epoch: number;
  readonly loss: number;
  readonly accuracy: number;
  readonly lr: number;
  /** The next step's; set in f16. */
  readonly lossScale?: ScaleReport | undefined;
}

/** What an epoch showed: means over its steps. */
export interface EpochReport {
  readonly epoch: number;
  readonly epochs: number;
  readonly step: number;
  readonly loss: number;
  /** log(2N − 1): the loss when all embeddings are equal. */
  readonly chance: number;
  readonly accuracy: number;
  readonly lr: number;
  readonly imagesPerSecond: number;
  /** Bytes in GPU buffers, at most so far. */
  readonly memory: number;
  /** The next step's; set in f16. */
  readonly lossScale?: ScaleReport | undefined;
  readonly knn: number | undefined;
}

/** What a run tells while it goes on. */
export interface TrainEvents {
  onReady?(facts: {
    parameters: number;
    peakBytes: number;
    stepsPerEpoch: number;
    steps: number;
    resumedAt: number;
  }): void;
  onPipeline?(done: number, total: number): void;
  /** A checkpoint that cannot be read is passed over for an older one. */
  onDamaged?(message: string): void;
  onStep?(report: StepReport): void;
  onEpoch?(report: EpochReport): void;
  /** kNN accuracy with the first weights. */
  onUntrained?(knn: number): void;
  /** Means of the drawn similarities of positive and negative pairs, and the whole matrix (see `Picture`). */
  onFigure?(step: number, positives: number, negatives: number, similarity: Float32Array): void;
}

export interface TrainResult {
  readonly step: number;
  /** The last checkpoint. */
  readonly checkpoint: string;
  /** The run was asked to stop before its end. */
  readonly interrupted: boolean;
  readonly knn: number | undefined;
}
