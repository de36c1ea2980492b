import type { Dataset } from '../../src/data/dataset.ts';
import type { ImageSet } from '../../src/data/images.ts';
import { sampleSet } from '../../src/data/sample/sample.ts';
import type { Stl10Part } from '../../src/data/stl10.ts';

/** Images as a run takes them, with nothing left out. */
export const datasetOf = (train: ImageSet, probe?: Dataset['probe']): Dataset => ({
  ...{ kind: 'stl10', train, probe, description: '', measured: '' },
  ...{ files: [], leftOut: [], unusedExcludes: [], close: () => {} },
});

/** Images of the sample set whose pixels are drawn once: `sampleSet` draws an image each time that it is read. */
export function drawn(part: Stl10Part, count: number, size: number): ImageSet {
  const set = sampleSet(part, count, size);
  const pixels = Array.from({ length: count }, (_, i) => {
    const image = new Uint8Array(set.height * set.width * 3);
    set.read(i, image, 0);
    return image;
  });
  return { ...set, read: (i, target, offset) => target.set(pixels[i], offset) };
}
