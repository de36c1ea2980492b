/** The method `simclr` as the benchmark has it: its networks and settings, those of a run where nothing else is said. */
import type { Tensor } from '../src/graph/tensor.ts';
import type { NamedTensor } from '../src/nn/module.ts';
import { StepFeeds } from '../src/ssl/feeds.ts';
import type { Learner } from '../src/ssl/method.ts';
import { trainedParameters } from '../src/ssl/step.ts';
import { learnerOf } from '../src/train/learner.ts';
import { type GivenSettings, parseSettings, type TrainSettings } from '../src/train/settings.ts';

/** Settings that only this method has. */
interface Own {
  readonly embeddingDim: number;
  readonly headWidth: number;
}

export const simclrSettings = (given: GivenSettings = {}) =>
  parseSettings({ ...given, method: 'simclr' }) as TrainSettings & Own;

/** Encoder and head with their first values. */
export class SimClr {
  readonly parameters: readonly NamedTensor[];
  private readonly learner: Learner;

  constructor() {
    this.learner = learnerOf(simclrSettings(), { count: 1, classes: 0 });
    this.parameters = trainedParameters(this.learner);
  }

  /** Views [2N, size, size, 4] → z [2N, embeddingDim], as in training. */
  embeddings(views: Tensor): Tensor {
    return this.learner.split!.embed([views], new StepFeeds(views.shape[0] / 2), { training: true });
  }
}
