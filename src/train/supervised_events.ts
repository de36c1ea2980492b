/** What a supervised training tells while it goes on. */
import { z } from 'zod';
import { measured } from '../io/checked.ts';
import type { StepReport } from './events.ts';

/** What an epoch showed. Accuracies are 0 to 1. */
export const supervisedEpoch = z.object({
  /** From 1. */
  epoch: z.number().int().min(1),
  /** Means over the steps of the epoch, during which the weights change. */
  trainLoss: measured(),
  trainAccuracy: z.number(),
  /** The same of the consistency loss on unlabelled photos, where there is one, and of the share of them that counted. */
  consistencyLoss: measured().optional(),
  confident: z.number().optional(),
  /** Of the whole test set after the epoch, in inference mode and f32. */
  testLoss: measured(),
  testAccuracy: z.number(),
  /** Mean of the classes' own test accuracies; trainings of earlier versions did not measure it. */
  testBalancedAccuracy: z.number().optional(),
  /** Of the last step. */
  lr: z.number(),
  /** The next step's; set where weights are trained in f16. */
  lossScale: z.object({ scale: z.number(), skipped: z.number() }).readonly().optional(),
  /** Of training and test together. */
  seconds: z.number(),
  /** Of training alone; where features are cached, rows of features. */
  imagesPerSecond: measured(),
});
export type SupervisedEpoch = Readonly<z.infer<typeof supervisedEpoch>>;

export interface SupervisedEvents {
  onPipeline?(done: number, total: number): void;
  /** Images whose features were computed, where they are cached. */
  onFeatures?(done: number, total: number): void;
  onStep?(report: StepReport): void;
  onEpoch?(report: SupervisedEpoch): void;
}
