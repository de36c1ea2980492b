import type { EpochContext } from './method.ts';

/** For each image its K nearest others in feature space, with the weights of now: a table [count, K] for `ViewGroup.from`. */
export async function nearestImages(k: number, { images, features, nearest }: EpochContext): Promise<Uint32Array> {
  const others = Math.min(k, images.count - 1); // of fewer images some stand there more than once
  const found = await nearest(await features(), others);
  return Uint32Array.from(
    { length: images.count * k },
    (_, i) => found[Math.floor(i / k) * others + ((i % k) % others)],
  );
}

/** A table of the same form, that has the image itself K times: views are made as without a table. */
export const sameImages = (k: number, { images }: EpochContext): Uint32Array =>
  Uint32Array.from({ length: images.count * k }, (_, i) => Math.floor(i / k));
