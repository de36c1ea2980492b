import type { ImageSet } from '../data/images.ts';
import type { Preparation } from '../data/preparation.ts';
import { hostImages } from '../data/source.ts';
import { Program } from '../graph/program.ts';
import type { State } from '../graph/state.ts';
import { input, trace } from '../graph/trace.ts';
import type { Encoder } from '../nn/encoder.ts';
import { preprocess } from '../ops/augment.ts';

/** How an `Embedder` prepares images and passes them through an encoder. */
export interface EmbedOptions extends Preparation {
  /** Images a run, 64 by default. Results do not depend on it. */
  readonly batchSize?: number;
}

/** Features h of whole sets of images: the encoder in inference mode, no augmentation. */
export class Embedder {
  private constructor(
    private readonly program: Program,
    private readonly set: Pick<ImageSet, 'height' | 'width'>,
    private readonly batchSize: number,
    /** Numbers in a row of features. */
    readonly dimensions: number,
  ) {}

  /**
   * Compiles for images of the size of `set`. The weights are those of `state`, whatever they are at the time of a run.
   *
   * @param encoder a model's encoder: `Learner.encoder`, `Classifier.encoder`, or what `readEncoder` gives
   */
  static async create(
    state: State,
    encoder: Pick<Encoder, 'forward' | 'dimensions'>,
    set: Pick<ImageSet, 'height' | 'width'>,
    { imageSize: size, mean, std, batchSize = 64 }: EmbedOptions,
  ): Promise<Embedder> {
    const { height, width } = set;
    const { graph, result } = trace(() => {
      const images = hostImages(set as ImageSet).images(input('indices', [batchSize], 'u32'));
      const x = preprocess(images, { height, width, size, mean, std });
      return { features: encoder.forward(x, { training: false }) };
    });
    return new Embedder(await Program.compile(graph, state, result), set, batchSize, encoder.dimensions);
  }

  /** Features [count, dimensions] of the images with these indices, all by default. */
  async embed(set: ImageSet, indices?: Uint32Array, onProgress?: (done: number) => void): Promise<Float32Array> {
    if (set.height !== this.set.height || set.width !== this.set.width) {
      throw new Error(
        `${set.name} has images of ${set.height}×${set.width}, expected ${this.set.height}×${this.set.width}`,
      );
    }
    const wanted = indices ?? Uint32Array.from({ length: set.count }, (_, i) => i);
    const features = new Float32Array(wanted.length * this.dimensions);
    const source = hostImages(set);
    for (let start = 0; start < wanted.length; start += this.batchSize) {
      const part = wanted.subarray(start, start + this.batchSize);
      // The last batch is filled up with its first image; those rows are dropped.
      const batch = Uint32Array.from({ length: this.batchSize }, (_, i) => part[i] ?? part[0]);
      const { features: rows } = await this.program.run(source.inputs(batch)).read();
      features.set((rows as Float32Array).subarray(0, part.length * this.dimensions), start * this.dimensions);
      onProgress?.(start + part.length);
    }
    return features;
  }

  /** Frees the memory on the device. */
  destroy(): void {
    this.program.destroy();
  }
}
