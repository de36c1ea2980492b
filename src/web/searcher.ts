/** Comparisons of the photos that are open, by an encoder as it is now. */
import { UserError } from '../errors.ts';
import { featuresOf, type Model, mostSimilar, pcaMap, tsneMap, tsneRange } from './model.ts';
import type { PhotoSets } from './photo_sets.ts';
import { loadPhotos } from './photos.ts';
import type { MapLayout, MapProgress, Neighbour, Query } from './protocol.ts';

type OnCount = (done: number, total: number) => void;

/** What was found of all photos. */
interface Known {
  readonly step: number;
  readonly features: Float32Array;
}

export class Searcher {
  /** With the weights of one step. */
  private known: Known | undefined;

  constructor(
    readonly model: Model,
    readonly photos: PhotoSets,
    /** Photos that are decoded anew, where the encoder takes another size than that which is open. */
    private readonly onDecoded: OnCount,
  ) {}

  /** Features of all photos [count, dimensions], computed once for the same weights. */
  async features(onProgress?: OnCount): Promise<Float32Array> {
    const { model, photos } = this;
    const { step } = model;
    if (this.known?.step === step) return this.known.features;
    const set = await photos.at(model.preparation.imageSize, this.onDecoded);
    const features = await featuresOf(model, set, onProgress);
    this.known = { step, features };
    return features;
  }

  /** UserError: there is no such photo, or the file cannot be decoded. */
  async similar(query: Query, k: number): Promise<readonly Neighbour[]> {
    if (!(Number.isInteger(k) && k >= 1)) throw new UserError(`${k} neighbours are not possible; ask for 1 or more`);
    const bank = await this.features();
    const { dimensions } = this.model.encoder;
    const own = 'photo' in query ? query.photo : undefined;
    if (own !== undefined && !(own in this.photos.names)) throw new UserError(`there is no photo ${own}; choose one`);
    const row =
      'file' in query
        ? await this.featuresOfFile(query.file)
        : bank.subarray(query.photo * dimensions, (query.photo + 1) * dimensions);
    const found = await mostSimilar(this.model, bank, row, k, own);
    return found.map(({ row: photo, similarity }) => ({ photo, similarity }));
  }

  private async featuresOfFile(file: File): Promise<Float32Array> {
    const { imageSize: size } = this.model.preparation;
    const { set } = await loadPhotos([file], { size, name: file.name });
    return featuresOf(this.model, set);
  }

  /** Positions [count, 2] of the photos within −1 to 1. UserError: too few photos, or too many for the device. */
  async map(
    layout: MapLayout,
    signal: AbortSignal,
    tell: (progress: MapProgress) => void,
  ): Promise<{ readonly positions: Float32Array; readonly interrupted: boolean }> {
    const { dimensions } = this.model.encoder;
    const features = await this.features((done, total) => tell({ type: 'map-progress', done, total }));
    if (layout === 'pca') return { positions: pcaMap(features, dimensions), interrupted: false };
    const { least, most } = tsneRange(this.model);
    const { length: count } = this.photos.names;
    if (count < least) throw new UserError(`t-SNE needs ${least} photos or more, and ${count} are open; use PCA`);
    if (count > most) throw new UserError(`t-SNE of ${count} photos is too much for this GPU (${most}); use PCA`);
    return tsneMap(this.model, features, dimensions, (done, total, positions) => {
      tell({ type: 'map-progress', done, total, positions });
      return !signal.aborted;
    });
  }
}
