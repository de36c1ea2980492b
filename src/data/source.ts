/** Where a program's samples come from: images all in the GPU's memory, or a batch at a time from the host. */
import type { State } from '../graph/state.ts';
import { bytesPerElement, type Data, type Tensor } from '../graph/tensor.ts';
import { input, variable } from '../graph/trace.ts';
import { gatherImages } from '../ops/gather_images.ts';
import { type ImageSet, imageBytes, isImageSet } from './images.ts';
import type { SampleSet } from './samples.ts';

/** What a step has its samples from. What is no image comes through feeds (`Feeds.windows`), and a source only knows the set. */
export interface SampleSource {
  readonly set: SampleSet;
  /** What `program.run` is to be given for the samples with these indices, beside the indices. */
  inputs(indices: Uint32Array): Readonly<Record<string, Data>>;
  /** Of a source that has a part of the set on the device at a time: brings these there, in place of those before. */
  hold?(indices: Uint32Array): void;
}

/** Images, and how they come to the GPU: resident there, or from the host with each batch. */
export interface ImageSource extends SampleSource {
  readonly set: ImageSet;
  /**
   * Records how images come to the GPU. `indices` u32 [N] → packed images u32 [N, words]. Where they come as an input, that is called
   * `name`, by default `images`.
   */
  images(indices: Tensor, name?: string): Tensor;
  /** What `program.run` is to be given for the images with these indices, beside the indices; with the `name` of `images`. */
  inputs(indices: Uint32Array, name?: string): Readonly<Record<string, Data>>;
}

/** The source as one of images. Error: it has something else, of which there are no views. */
export function imagesOf(source: SampleSource): ImageSource {
  if (isImageSet(source.set)) return source as ImageSource;
  throw new Error(`views are of images, and ${source.set.name} has ${source.set.data}`);
}

/** A set that needs nothing on the device. */
export const fedSamples = (set: SampleSet): SampleSource => ({ set, inputs: () => ({}) });

/** Words of 32 bits that an image takes: u8, RGB, HWC, the last word filled up with zeros. */
export const imageWords = (set: Pick<ImageSet, 'height' | 'width'>): number =>
  Math.ceil(imageBytes(set) / bytesPerElement);

/** Shards are no larger than this even where a binding may be: the copy on the host stays small. */
const shardLimit = 2 ** 30;
const uploadBytes = 64 * 2 ** 20;

/** All images in GPU memory, in as many buffers as the limit of a binding asks for. `onProgress` counts images. */
export function residentImages(state: State, set: ImageSet, onProgress?: (done: number) => void): ImageSource {
  const shards = imageShards(state, set, set.count);
  const all = Uint32Array.from({ length: set.count }, (_, i) => i);
  writeImages(state, set, shards, all, onProgress);
  return inShards(set, shards);
}

/** The same for plans: it says what memory images would take, and takes none. */
export const plannedImages = (state: State, set: ImageSet): ImageSource =>
  inShards(set, imageShards(state, set, set.count));

const inShards = (set: ImageSet, shards: readonly Tensor[]): ImageSource => ({
  set,
  images: (indices) => gatherImages(indices, shards, { height: set.height, width: set.width }),
  inputs: () => ({}),
});

/** Variables u32 [images, words] with room for so many images in all, each as large as a binding may be. */
export function imageShards(state: State, set: ImageSet, count: number): Tensor[] {
  const words = imageWords(set);
  const { maxStorageBufferBindingSize, maxBufferSize } = state.gpu.traits.limits;
  const limit = Math.min(maxStorageBufferBindingSize, maxBufferSize, shardLimit);
  const perShard = Math.max(1, Math.floor(limit / (words * bytesPerElement)));
  const shards: Tensor[] = [];
  for (let first = 0; first < count; first += perShard) {
    const held = Math.min(perShard, count - first);
    shards.push(variable(`images ${first} to ${first + held - 1}`, [held, words], undefined, 'u32'));
  }
  return shards;
}

/** Writes images of a set into shards, one behind the other from the first place on. */
export function writeImages(
  state: State,
  set: ImageSet,
  shards: readonly Tensor[],
  images: Uint32Array,
  onProgress?: (done: number) => void,
): void {
  const words = imageWords(set);
  const perUpload = Math.max(1, Math.floor(uploadBytes / (words * bytesPerElement)));
  let first = 0;
  for (const shard of shards) {
    const end = Math.min(first + shard.shape[0], images.length);
    for (let start = first; start < end; start += perUpload) {
      const part = images.subarray(start, Math.min(start + perUpload, end));
      state.write(shard, packImages(set, part), (start - first) * words);
      onProgress?.(start + part.length);
    }
    first += shard.shape[0];
  }
}

/** Images sent with every step: for sets that the GPU's memory cannot hold. */
export function hostImages(set: ImageSet): ImageSource {
  const words = imageWords(set);
  return {
    set,
    images: (indices, name = 'images') => input(name, [indices.size, words], 'u32'),
    inputs: (indices, name = 'images') => ({ [name]: packImages(set, indices) }),
  };
}

/** Images as the kernels read them: u32 [count, words]. */
export function packImages(set: ImageSet, indices: ArrayLike<number>): Uint32Array {
  const words = imageWords(set);
  const packed = new Uint32Array(indices.length * words);
  const bytes = new Uint8Array(packed.buffer);
  for (let i = 0; i < indices.length; i++) set.read(indices[i], bytes, i * words * bytesPerElement);
  return packed;
}
