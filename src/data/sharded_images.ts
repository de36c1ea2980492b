/** Images of a process that shares each batch with others: on its device are those that it takes of an epoch, and no others. */
import type { State } from '../graph/state.ts';
import { input } from '../graph/trace.ts';
import { gatherImages } from '../ops/gather_images.ts';
import type { ImageSet } from './images.ts';
import { type ImageSource, imageShards, writeImages } from './source.ts';

/**
 * Places in GPU memory for so many images of a set. `hold` fills them; programs are given the places of images, and kernels know of
 * nothing else.
 *
 * @param places images that are held at a time, at most
 */
export function shardedImages(state: State, set: ImageSet, places: number): ImageSource {
  const shards = imageShards(state, set, places);
  let placeOf: ReadonlyMap<number, number> = new Map();
  const place = (image: number): number => {
    const found = placeOf.get(image);
    if (found === undefined) throw new Error(`[images] ${set.name}: image ${image} is not among those on this device`);
    return found;
  };
  const { height, width } = set;
  const nameOf = (name: string) => `${name}: places`;
  return {
    set,
    hold(images) {
      if (images.length > places)
        throw new RangeError(`[images] ${set.name}: ${images.length} images for ${places} places`);
      placeOf = new Map(Array.from(images, (image, at) => [image, at]));
      writeImages(state, set, shards, images);
    },
    images: (indices, name = 'images') =>
      gatherImages(input(nameOf(name), [indices.size], 'u32'), shards, { height, width }),
    inputs: (indices, name = 'images') => ({ [nameOf(name)]: indices.map(place) }),
  };
}
