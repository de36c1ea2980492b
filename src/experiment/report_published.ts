import type { ModelName } from './experiment_results.ts';

export interface PublishedRow {
  readonly trainLoss: number;
  /** Shares, 0 to 1. */
  readonly trainAccuracy: number;
  readonly testLoss: number;
  readonly testAccuracy: number;
}

export type Published = Readonly<Partial<Record<ModelName, PublishedRow>>>;

/** The published experiment: ResNet-18 on STL-10, all stages with Adam, 1e-3, 100 epochs, batches of 256, weight decay 1e-4. */
export const published: Published = {
  baseline: { trainLoss: 0.0041, trainAccuracy: 1, testLoss: 1.686, testAccuracy: 0.504 },
  frozen: { trainLoss: 0.9093, trainAccuracy: 0.7006, testLoss: 1.0023, testAccuracy: 0.6748 },
  transfer: { trainLoss: 0.0119, trainAccuracy: 1, testLoss: 0.9898, testAccuracy: 0.7574 },
};
