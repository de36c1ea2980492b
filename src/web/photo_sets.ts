/** The photos that are open, decoded to the sizes that are asked for. */
import type { ImageSet } from '../data/images.ts';
import { UserError } from '../errors.ts';
import { loadPhotos } from './photos.ts';
import type { Opened, Photo } from './protocol.ts';

type OnCount = (done: number, total: number) => void;

const leastSize = 16;
const mostSize = 512;

export class PhotoSets {
  /** Of another size than that which is open: the last one. */
  private other: ImageSet | undefined;

  private constructor(
    private readonly photos: readonly Photo[],
    /** At the size that was asked for. */
    readonly set: ImageSet,
    private readonly places: readonly number[],
  ) {}

  /** UserError: the size is none that is possible, or no photo can be decoded. */
  static async open(photos: readonly Photo[], size: number, onCount: OnCount): Promise<PhotoSets> {
    if (!(Number.isInteger(size) && size >= leastSize && size <= mostSize))
      throw new UserError(`image size ${size} is not possible; choose ${leastSize} to ${mostSize} pixels`);
    const { set, places } = await decode(photos, size, onCount);
    return new PhotoSets(photos, set, places);
  }

  /** What the page is told of them. */
  get opened(): Opened {
    const { set, places } = this;
    const skipped = set.skipped.map(({ file, reason }) => ({ name: file, reason }));
    return { type: 'opened', names: this.names, places, imageSize: set.height, skipped };
  }

  get names(): readonly string[] {
    return this.set.files ?? [];
  }

  /** The same photos at a size, in the same order. UserError: one cannot be decoded any more. */
  async at(size: number, onCount: OnCount): Promise<ImageSet> {
    if (size === this.set.height) return this.set;
    if (this.other?.height === size) return this.other;
    const chosen = this.places.map((place) => this.photos[place]);
    const { set } = await decode(chosen, size, onCount);
    const [lost] = set.skipped;
    if (lost) throw new UserError(`${lost.file}: ${lost.reason}; open the photos again`);
    this.other = set;
    return set;
  }

  /** All photos that were given, decoded to another size. */
  again(size: number, onCount: OnCount): Promise<PhotoSets> {
    return PhotoSets.open(this.photos, size, onCount);
  }
}

function decode(photos: readonly Photo[], size: number, onCount: OnCount) {
  const names = new Map(photos.map(({ file, name }) => [file, name]));
  return loadPhotos(
    photos.map(({ file }) => file),
    {
      size,
      nameOf: (file) => names.get(file) ?? file.name,
      onProgress: ({ done, total = photos.length }) => onCount(done, total),
    },
  );
}
