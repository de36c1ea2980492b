/** What evaluations need of an encoder of sequences: features of labelled sets. */
import { SequenceEmbedder } from '../analysis/embed_sequences.ts';
import type { SequenceSet } from '../data/sequences.ts';
import { UserError } from '../errors.ts';
import type { Gpu } from '../gpu/device.ts';
import { State } from '../graph/state.ts';
import type { Communicator } from '../mpi/communicator.ts';
import { checkSameEvaluation } from '../train/same_images.ts';
import { loadSequenceEncoder, openSequencesFor, type SequenceEncoderFile } from '../train/sequence_encoder_file.ts';
import type { SetEmbedder } from '../train/set_embedder.ts';
import { sharedEmbedder } from '../train/shared_embedder.ts';
import type { EvaluationEvents, Measured } from './evaluation.ts';
import { type LabelledData, labelledSets } from './labelled_sets.ts';

export interface SequenceEvaluationOptions {
  /** Windows at a time. */
  readonly batchSize: number;
  /** Globs of files and folders to leave out. */
  readonly exclude?: readonly string[] | undefined;
  readonly events?: EvaluationEvents;
  /** Processes that compute the features together. */
  readonly ranks?: Communicator | undefined;
}

/** An encoder of sequences on a device, as evaluations by features know it; features are computed anew each time. */
export class SequenceEvaluation implements Measured {
  private embedder: SetEmbedder | undefined;

  private constructor(
    readonly state: State,
    readonly file: SequenceEncoderFile,
    private readonly options: SequenceEvaluationOptions,
  ) {}

  static open(gpu: Gpu, file: SequenceEncoderFile, options: SequenceEvaluationOptions): SequenceEvaluation {
    return new SequenceEvaluation(new State(gpu), file, options);
  }

  /** Labelled sequences and their features, a row for each file. UserError: there are no labels, or not such sequences. */
  async labelled(path: string): Promise<LabelledData<SequenceSet>> {
    const { exclude, events: { onData, onProgress } = {} } = this.options;
    const dataset = await openSequencesFor(this.file, path, { exclude, onProgress });
    onData?.(dataset);
    await checkSameEvaluation(this.options.ranks, this.file, path, dataset);
    const sets = labelledSets(dataset, path);
    const features = { train: await this.features(sets.train, 'train'), test: await this.features(sets.test, 'test') };
    return { ...sets, features, dimensions: this.embedder!.dimensions };
  }

  private async features(set: SequenceSet, name: string) {
    const { state, file, options } = this;
    const { window } = file;
    const create = () =>
      SequenceEmbedder.create(state, loadSequenceEncoder(state, file), set, { batchSize: options.batchSize, window });
    this.embedder ??= sharedEmbedder(await create(), options.ranks);
    const onDone = (done: number) => options.events?.onFeatures?.(name, done, set.count);
    const features = await this.embedder.embed(set, undefined, onDone);
    if (features.some((value) => !Number.isFinite(value)))
      throw new UserError(`${file.path}: its features (${name}) are not finite numbers; give another checkpoint`);
    return { features, labels: set.labels! };
  }

  facts(): Record<string, unknown> {
    const { path, checkpoint, window, channels, sampleRate = null, digest } = this.file;
    const encoder = { checkpoint: path, method: checkpoint.settings.method, window, channels, sampleRate, digest };
    return { encoder, adapter: this.state.gpu.traits.adapter };
  }

  destroy(): void {
    this.embedder?.destroy();
    this.state.destroy();
  }
}
