import { knnRecognition, type Labelled } from '../analysis/knn.ts';
import { majorityBaseline, type Recognition } from '../analysis/recognition.ts';
import type { Dataset } from '../data/dataset.ts';
import { epochOrder } from '../data/order.ts';
import type { SampleSet } from '../data/samples.ts';
import type { State } from '../graph/state.ts';
import type { Communicator } from '../mpi/communicator.ts';
import type { Encoder } from '../nn/encoder.ts';
import { createEmbedder, type SetEmbedder } from './set_embedder.ts';
import type { TrainSettings } from './settings.ts';
import { sharedEmbedder } from './shared_embedder.ts';

/** A counter of an epoch that no run reaches: the images of the probe are drawn in its order. */
const probeEpoch = 0xfffffffe;
/** Temperature of the vote, the literature's (Wu et al., 2018). */
const voteTemperature = 0.07;

/** Follows a run by the accuracy of nearest neighbours in the encoder's features, on labelled images or sequences. */
export class KnnMonitor {
  private constructor(
    private readonly state: State,
    private readonly embedder: SetEmbedder,
    private readonly sets: { readonly train: Chosen; readonly test: Chosen },
    private readonly settings: TrainSettings,
    private readonly ranks: Communicator | undefined,
  ) {}

  /** @param ranks processes that share the run: each computes a part of the features */
  static async create(
    state: State,
    encoder: Encoder,
    { train, test }: NonNullable<Dataset<SampleSet>['probe']>,
    settings: TrainSettings,
    ranks?: Communicator,
  ): Promise<KnnMonitor> {
    const { batchSize, seed, knnImages } = settings;
    const embedder = await createEmbedder(state, encoder, train, settings, Math.min(2 * batchSize, 256));
    const sets = { train: choose(train, knnImages, seed), test: choose(test, knnImages, seed) };
    return new KnnMonitor(state, sharedEmbedder(embedder, ranks), sets, settings, ranks);
  }

  /** Accuracies (0 to 1) with the weights as they are now. All processes ask for them at the same step; only the first is told. */
  async measure(): Promise<Recognition | undefined> {
    const [train, test] = [await this.features(this.sets.train), await this.features(this.sets.test)];
    if (this.ranks && this.ranks.rank > 0) return undefined;
    const k = Math.min(this.settings.knnNeighbors, train.labels.length);
    return knnRecognition(this.state, train, test, this.embedder.dimensions, { k, temperature: voteTemperature });
  }

  /** Accuracy of always answering the most frequent class. */
  get majority(): number {
    return majorityBaseline(this.sets.train.labels, this.sets.test.labels).accuracy;
  }

  private async features({ set, indices, labels }: Chosen): Promise<Labelled> {
    return { features: await this.embedder.embed(set, indices), labels };
  }

  destroy(): void {
    this.embedder.destroy();
  }
}

interface Chosen {
  readonly set: SampleSet;
  readonly indices: Uint32Array;
  readonly labels: readonly number[];
}

/** At most `most` images of a labelled set, drawn by the seed. */
function choose(set: SampleSet, most: number, seed: number): Chosen {
  const indices = epochOrder(set.count, seed, probeEpoch).slice(0, most).sort();
  return { set, indices, labels: Array.from(indices, (i) => set.labels![i]) };
}
