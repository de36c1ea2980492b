/** What every evaluation of an encoder shares: its features of labelled sets, computed once, and the form of what it finds. */

import { Embedder } from '../analysis/embed.ts';
import { type Dataset, openDataset, openPhotos, openUnlabelled, type TrainSplit } from '../data/dataset.ts';
import type { ImageSet, OnProgress } from '../data/images.ts';
import type { SampleSet } from '../data/samples.ts';
import { UserError } from '../errors.ts';
import type { Gpu } from '../gpu/device.ts';
import { State } from '../graph/state.ts';
import { type Communicator, shareText } from '../mpi/communicator.ts';
import type { Encoder, EncoderWithMaps } from '../nn/encoder.ts';
import { shapeOf } from '../nn/encoder_shape.ts';
import type { Chart } from '../report/plot.ts';
import { type EncoderFile, type GivenEncoder, loadEncoderFile, readEncoderFile } from '../train/encoder_file.ts';
import { checkSameEvaluation } from '../train/same_images.ts';
import type { SetEmbedder } from '../train/set_embedder.ts';
import { sharedEmbedder } from '../train/shared_embedder.ts';
import { cachedFeatures, imagesDigest } from './feature_cache.ts';
import { type LabelledData, type LabelledSets, labelledSets } from './labelled_sets.ts';

/** Features are to be computed: what the first of several processes tells the others. */
const wanted = 'wanted';

/** What an evaluation found. */
export interface Outcome {
  /** One line: what was measured, on what. */
  readonly title: string;
  /** A table; nothing where the title says it all. */
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Its files get a number, so that those of the last call stay. */
  readonly numbered?: boolean;
  /** Lines under the table. */
  readonly notes: readonly string[];
  /** All numbers and settings, for `<what>.json`. */
  readonly json: Readonly<Record<string, unknown>>;
  /** Figures and lists by their file's name. */
  readonly files: Readonly<Record<string, string | Uint8Array | readonly (string | Uint8Array)[]>>;
}

export interface EvaluationOptions extends GivenEncoder {
  readonly checkpoint: string;
  /** Globs of photos and folders to leave out. */
  readonly exclude?: readonly string[] | undefined;
  /** Folder of the feature cache. */
  readonly cache: string;
  /** Images at a time. */
  readonly batchSize: number;
  readonly events?: EvaluationEvents;
  /** Processes that compute the features together: all ask for those of the same sets. The first keeps the cache, and has them all. */
  readonly ranks?: Communicator | undefined;
}

export interface EvaluationEvents {
  readonly onData?: (dataset: Dataset<SampleSet>) => void;
  readonly onProgress?: OnProgress;
  readonly onFeatures?: (set: string, done: number, total: number) => void;
  /** Features were in the cache. */
  readonly onCached?: (set: string) => void;
}

/** What evaluations need that look at features alone, whatever they are of. */
export interface Measured {
  readonly state: State;
  /** Labelled sets of a folder and their features. */
  labelled(path: string): Promise<LabelledData<SampleSet>>;
  /** What every JSON file says of the encoder and the machine. */
  facts(): Record<string, unknown>;
}

/** An encoder on a device, and what is asked of it. */
export class Evaluation implements Measured {
  readonly encoder: Encoder;
  private readonly embedders = new Map<string, SetEmbedder>();

  private constructor(
    readonly state: State,
    readonly file: EncoderFile,
    readonly options: EvaluationOptions,
  ) {
    this.encoder = loadEncoderFile(state, file);
  }

  /** Reads the encoder and brings it to the device. UserError: it is none. */
  static open(gpu: Gpu, options: EvaluationOptions): Evaluation {
    return new Evaluation(new State(gpu), readEncoderFile(options.checkpoint, options), options);
  }

  /** Numbers in a row of features. */
  get dimensions(): number {
    return this.encoder.dimensions;
  }

  /** Opens a folder, labelled or not. */
  async images(path: string, split: TrainSplit = 'train'): Promise<Dataset> {
    const { exclude, events: { onData, onProgress } = {} } = this.options;
    const dataset = await openDataset(path, { ...{ split, exclude }, size: this.file.imageSize, onProgress });
    onData?.(dataset);
    await checkSameEvaluation(this.options.ranks, this.file, path, dataset);
    return dataset;
  }

  /** Opens a folder as one set of all photos below it, whatever their folders are called. */
  async photos(path: string): Promise<Dataset> {
    const { exclude, events: { onData, onProgress } = {} } = this.options;
    const dataset = await openPhotos(path, { exclude, size: this.file.imageSize, onProgress });
    onData?.(dataset);
    return dataset;
  }

  /** Labelled images to train and to test with. UserError: there are none. */
  async sets(path: string): Promise<LabelledSets> {
    return labelledSets(await this.images(path), path);
  }

  /** Photos without labels beside the labelled ones of a folder; undefined where there are none. */
  async unlabelled(path: string): Promise<ImageSet | undefined> {
    const { exclude, events: { onData, onProgress } = {} } = this.options;
    const dataset = await openUnlabelled(path, { exclude, size: this.file.imageSize, onProgress });
    if (dataset) onData?.(dataset);
    return dataset?.train;
  }

  /** Labelled images and their features. */
  async labelled(path: string): Promise<LabelledData> {
    return this.withFeatures(await this.sets(path));
  }

  /** The same with their features. */
  async withFeatures(sets: LabelledSets, from?: { readonly cache: boolean }): Promise<LabelledData> {
    const of = async (set: ImageSet, name: string) => ({
      features: await this.features(set, name, from),
      labels: set.labels!,
    });
    const features = { train: await of(sets.train, 'train'), test: await of(sets.test, 'test') };
    return { ...sets, features, dimensions: this.dimensions };
  }

  /** Features [count, dimensions] of a set, from the cache where they are there. */
  async features(set: ImageSet, name: string, { cache = true } = {}): Promise<Float32Array> {
    const { file, options, state } = this;
    if (!cache) return this.embed(set, name);
    if (options.ranks && options.ranks.rank > 0) return this.assist(options.ranks, set, name);
    const { digest: encoder, imageSize, mean, std } = file;
    const { adapter } = state.gpu.traits;
    const key = { encoder, images: imagesDigest(set), imageSize, mean, std, adapter };
    const compute = async () => {
      if (options.ranks) await shareText(options.ranks, wanted);
      return this.embed(set, name);
    };
    const { features, cached } = await cachedFeatures(options.cache, key, set.count, compute);
    if (!cached) return features;
    if (options.ranks) await shareText(options.ranks, 'cached');
    options.events?.onCached?.(name);
    return features;
  }

  /** What another process than the first does: it computes its part where the first has not found features in the cache. */
  private async assist(ranks: Communicator, set: ImageSet, name: string): Promise<Float32Array> {
    return (await shareText(ranks)) === wanted ? this.embed(set, name) : new Float32Array();
  }

  private async embed(set: ImageSet, name: string): Promise<Float32Array> {
    const size = `${set.height}×${set.width}`;
    let embedder = this.embedders.get(size);
    if (!embedder) {
      const { encoder, file, options } = this;
      const own = await Embedder.create(this.state, encoder, set, { ...file, batchSize: options.batchSize });
      embedder = sharedEmbedder(own, options.ranks);
      this.embedders.set(size, embedder);
    }
    const onDone = (done: number) => this.options.events?.onFeatures?.(name, done, set.count);
    const features = await embedder.embed(set, undefined, onDone);
    if (features.some((value) => !Number.isFinite(value))) {
      throw new UserError(
        `${this.file.path}: its features (${name}) are not finite numbers; its training diverged, or the file is damaged: give another one`,
      );
    }
    return features;
  }

  /** What every JSON file says of the encoder and the machine. */
  facts(): Record<string, unknown> {
    const { path, head, imageSize, normalize = null, mean, std, digest } = this.file;
    const shape = { ...shapeOf(this.file), ...(head && { fromHeadLayer: head.widths.length }) };
    const encoder = { checkpoint: path, ...shape, imageSize, normalize, mean, std, digest };
    return { encoder, adapter: this.state.gpu.traits.adapter };
  }

  destroy(): void {
    for (const embedder of this.embedders.values()) embedder.destroy();
    this.state.destroy();
  }
}

/** UserError: the encoder has no maps, as features behind a projection head are its answer. */
export function encoderWithMaps({ encoder }: Pick<Evaluation, 'encoder'>): Encoder & EncoderWithMaps {
  const hasMaps = (one: Encoder): one is Encoder & EncoderWithMaps => one.maps !== undefined;
  if (hasMaps(encoder)) return encoder;
  throw new UserError('the layers of a projection head have no maps to show; give --from-head-layer 0', 2);
}

/** What a command prints of what it found. */
export type Table = Pick<Outcome, 'title' | 'header' | 'rows'> & { readonly notes?: Outcome['notes'] };

/** An outcome: its table, its numbers behind the facts that all have, and both forms of its chart. */
export const outcome = (
  evaluation: Pick<Measured, 'facts'>,
  name: string,
  { notes = [], ...table }: Table,
  json: Outcome['json'],
  { svg, png }: Chart,
): Outcome => ({
  ...{ ...table, notes },
  json: { ...evaluation.facts(), ...json },
  files: { [`${name}.svg`]: svg, [`${name}.png`]: png },
});

/** What `±` stands for, in a table's notes. */
export const deviationNote = (runs: string): string => `mean ± standard deviation (n − 1) of ${runs}`;
