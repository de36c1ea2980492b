/** What a supervised training tells while it goes on. */
import type { ScaleReport, StepReport } from './events.ts';

/** What an epoch showed. Accuracies are 0 to 1. */
export interface SupervisedEpoch {
  /** From 1. */
  readonly epoch: number;
  /** Means over the steps of the epoch, during which the weights change. */
  readonly trainLoss: number;
  readonly trainAccuracy: number;
  /** Of the whole test set after the epoch, in inference mode and f32. */
  readonly testLoss: number;
  readonly testAccuracy: number;
  /** Mean of the classes' own test accuracies; trainings of earlier versions did not measure it. */
  readonly testBalancedAccuracy?: number;
  /** Of the last step. */
  readonly lr: number;
  /** The next step's; set where weights are trained in f16. */
  readonly lossScale?: ScaleReport | undefined;
  /** Of training and test together. */
  readonly seconds: number;
  /** Of training alone; where features are cached, rows of features. */
  readonly imagesPerSecond: number;
}

export interface SupervisedEvents {
  onPipeline?(done: number, total: number): void;
  /** Images whose features were computed, where they are cached. */
  onFeatures?(done: number, total: number): void;
  onStep?(report: StepReport): void;
  onEpoch?(report: SupervisedEpoch): void;
}
