/** What evaluations need of an encoder of texts: features of labelled sets, and of any texts. */
import { TextEmbedder } from '../analysis/embed_texts.ts';
import type { Dataset } from '../data/dataset.ts';
import { openTexts } from '../data/open_texts.ts';
import { firstTexts, type TextSet } from '../data/texts.ts';
import { UserError } from '../errors.ts';
import type { Gpu } from '../gpu/device.ts';
import { State } from '../graph/state.ts';
import type { Communicator } from '../mpi/communicator.ts';
import type { EncoderOfTexts } from '../nn/encoder.ts';
import { checkSameEvaluation } from '../train/same_images.ts';
import { rowsInShares } from '../train/shared_embedder.ts';
import { loadTextEncoder, type TextEncoderFile, untrainedTextEncoder } from '../train/text_encoder_file.ts';
import { unitRows } from './clusters.ts';
import type { EvaluationEvents, Measured } from './evaluation.ts';
import { type LabelledData, labelledSets } from './labelled_sets.ts';

export interface TextEvaluationOptions {
  /** Texts at a time. */
  readonly batchSize: number;
  /** Globs of files and folders to leave out. */
  readonly exclude?: readonly string[] | undefined;
  readonly events?: EvaluationEvents;
  /** Processes that compute the features together. */
  readonly ranks?: Communicator | undefined;
}

/** An encoder of texts on a device; features are computed anew each time. */
export class TextEvaluation implements Measured {
  readonly encoder: EncoderOfTexts;

  private constructor(
    readonly state: State,
    readonly file: TextEncoderFile,
    private readonly options: TextEvaluationOptions,
  ) {
    this.encoder = loadTextEncoder(state, file);
  }

  static open(gpu: Gpu, file: TextEncoderFile, options: TextEvaluationOptions): TextEvaluation {
    return new TextEvaluation(new State(gpu), file, options);
  }

  /** Numbers in a row of features. */
  get dimensions(): number {
    return this.encoder.dimensions;
  }

  /** All texts of a file or folder, without labels. */
  async all(path: string): Promise<TextSet> {
    return (await this.open(path, false)).train;
  }

  /** Labelled texts and their features. UserError: there are no labels. */
  async labelled(path: string): Promise<LabelledData<TextSet>> {
    const sets = labelledSets(await this.open(path, true), path);
    const of = async (set: TextSet, name: string) => ({
      features: await this.features(firstTexts(set), name),
      labels: set.labels!,
    });
    const features = { train: await of(sets.train, 'train'), test: await of(sets.test, 'test') };
    return { ...sets, features, dimensions: this.dimensions };
  }

  private async open(path: string, probe: boolean): Promise<Dataset<TextSet>> {
    const { exclude, events: { onData, onProgress } = {} } = this.options;
    const dataset = await openTexts(path, { probe, exclude, ...(onProgress && { onProgress }) });
    onData?.(dataset);
    await checkSameEvaluation(this.options.ranks, this.file, path, dataset);
    return dataset;
  }

  /** Features [texts, dimensions]. UserError: they are not finite. */
  async features(texts: readonly string[], name: string, encoder = this.encoder): Promise<Float32Array> {
    const { state, file, options } = this;
    const embedder = await TextEmbedder.create(state, encoder, {
      batchSize: Math.min(options.batchSize, texts.length),
    });
    try {
      const all = (done: number) => Math.min(texts.length, done * (options.ranks?.size ?? 1));
      const onDone = (done: number) => options.events?.onFeatures?.(name, all(done), texts.length);
      const features = await rowsInShares(options.ranks, texts.length, encoder.dimensions, (begin, end) =>
        embedder.texts(texts.slice(begin, end), onDone),
      );
      if (features.every((value) => Number.isFinite(value))) return features;
      throw new UserError(`${file.path}: its features (${name}) are not finite numbers; give another checkpoint`);
    } finally {
      embedder.destroy();
    }
  }

  /** Features at length one. */
  async unitFeatures(texts: readonly string[], name: string, encoder = this.encoder): Promise<Float32Array> {
    return unitRows(await this.features(texts, name, encoder), encoder.dimensions);
  }

  /** The encoder as it was before the training. */
  untrained(): EncoderOfTexts {
    return untrainedTextEncoder(this.file);
  }

  facts(): Record<string, unknown> {
    const { path, checkpoint, description, digest } = this.file;
    const encoder = { checkpoint: path, method: checkpoint.settings.method, description, digest };
    return { encoder, adapter: this.state.gpu.traits.adapter };
  }

  destroy(): void {
    this.state.destroy();
  }
}
