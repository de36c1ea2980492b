/** The images of a dataset as people are shown them. */
import type { Dataset, TrainSplit } from '../data/dataset.ts';
import { type ImageSet, imageBytes } from '../data/images.ts';
import { loadStl10, STL10_SIDE } from '../data/stl10.ts';
import type { Photo } from '../report/photo_sheet.ts';

/** The images of a dataset as they are in their files: the sets hold them at the encoder's size. */
export class Photographs {
  private readonly whole = new Map<ImageSet, ImageSet>();

  constructor(
    private readonly dataset: Dataset,
    private readonly path: string,
    private readonly split: TrainSplit,
  ) {}

  of(set: ImageSet, i: number): Photo {
    if (set.source) return { file: set.source(i) };
    const whole = this.wholeOf(set);
    return { pixels: pixelsOf(whole, i), side: whole.width };
  }

  private wholeOf(set: ImageSet): ImageSet {
    const { kind, probe } = this.dataset;
    if (kind !== 'stl10' || set.width === STL10_SIDE) return set;
    const known = this.whole.get(set);
    if (known) return known;
    const opened = loadStl10(this.path, set === probe?.train ? 'train' : set === probe?.test ? 'test' : this.split);
    this.whole.set(set, opened);
    return opened;
  }

  close(): void {
    for (const set of this.whole.values()) set.close?.();
  }
}

/** The bytes of image i, RGB row by row. */
export function pixelsOf(set: ImageSet, i: number): Uint8Array {
  const pixels = new Uint8Array(imageBytes(set));
  set.read(i, pixels, 0);
  return pixels;
}
