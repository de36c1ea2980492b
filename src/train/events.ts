/** What a run tells while it goes on, and at its end. */
import type { ScaleReport } from '../optim/loss_scaling.ts';
import type { TrainWarning } from '../ssl/health.ts';
import type { Learner } from '../ssl/method.ts';
import type { Communication } from './communication.ts';

export type { ScaleReport } from '../optim/loss_scaling.ts';

/** What a step showed. */
export interface StepReport {
  readonly step: number;
  readonly steps: number;
  readonly epoch: number;
  readonly loss: number;
  /** What the method logs: see `Learner.metrics`. */
  readonly metrics: Readonly<Record<string, number>>;
  readonly lr: number;
  /** The next step's; set in f16. */
  readonly lossScale?: ScaleReport | undefined;
}

/** What an epoch showed: means over its steps, where nothing else is said. */
export interface EpochReport {
  readonly epoch: number;
  readonly epochs: number;
  readonly step: number;
  readonly loss: number;
  /** What guessing gives; not there for methods without such a thing. */
  readonly chance?: number | undefined;
  /** Means, or values of the last step: see `Metric.epoch`. */
  readonly metrics: Readonly<Record<string, number>>;
  readonly lr: number;
  readonly imagesPerSecond: number;
  /** Bytes in GPU buffers, at most so far. */
  readonly memory: number;
  /** The next step's; set in f16. */
  readonly lossScale?: ScaleReport | undefined;
  /** Of several processes that share the batches. */
  readonly communication?: Communication | undefined;
  readonly knn: number | undefined;
  /** The same as the mean over the classes. */
  readonly knnBalanced: number | undefined;
}

/** What is known before the first step. */
export interface ReadyFacts {
  readonly parameters: number;
  readonly peakBytes: number;
  readonly stepsPerEpoch: number;
  readonly steps: number;
  readonly resumedAt: number;
  readonly learner: Pick<Learner, 'metrics' | 'chance' | 'encoder'>;
}

/** What a run tells while it goes on. */
export interface TrainEvents {
  onReady?(facts: ReadyFacts): void;
  onPipeline?(done: number, total: number): void;
  /** A checkpoint that cannot be read is passed over for an older one. */
  onDamaged?(message: string): void;
  /** The images hold copies, or the training learns nothing; it goes on. */
  onWarning?(warning: TrainWarning): void;
  onStep?(report: StepReport): void;
  onEpoch?(report: EpochReport): void;
  /** kNN accuracy with the first weights, and that of always answering the most frequent class. */
  onUntrained?(knn: number, majority: number): void;
  /** Means of the drawn similarities of positive and negative pairs, and the whole matrix (see `Picture`). */
  onFigure?(step: number, positives: number, negatives: number, similarity: Float32Array): void;
}

/** How a training ended. */
export interface TrainResult {
  readonly step: number;
  /** The last checkpoint. */
  readonly checkpoint: string;
  /** The run was asked to stop before its end. */
  readonly interrupted: boolean;
  /** Why what was trained is worthless: what was wrong at the end; undefined where nothing is known to be. */
  readonly warning: TrainWarning | undefined;
  readonly knn: number | undefined;
}
