/** Sets of decoded images: what every loader returns, and the ways to combine them without copying pixels. */
import { UserError } from '../errors.ts';
import { counted } from '../io/counted.ts';
import { kindOf, type SampleSet } from './samples.ts';

export type { Skipped } from './samples.ts';

/** How far a long task is; `total` is undefined while nobody knows it. */
export interface Progress {
  readonly phase: 'compare' | 'decode' | 'resize' | 'draw' | 'write' | 'download' | 'verify' | 'unpack';
  readonly done: number;
  readonly total: number | undefined;
}
export type OnProgress = (progress: Progress) => void;

/** The captions of each image of a set, one or more. */
export type Captions = readonly (readonly string[])[];

/** A set of RGB images of one size, u8. */
export interface ImageSet extends SampleSet {
  readonly data?: 'images';
  readonly height: number;
  readonly width: number;
  /** What texts say of every image, one or more of each; absent where nobody asks for them. */
  readonly captions?: Captions;
  /** Of a set with parts, what this process has of it, and can read. */
  readonly own?: ImageSet;
  /** The file that image i was decoded from, for photo folders. */
  source?(i: number): string;
  /** Copies image i, row by row, three bytes a pixel (HWC, RGB), to `target[offset …]`. Synchronous. */
  read(i: number, target: Uint8Array, offset: number): void;
}

/** What this process can read of a set: all, but for a set with parts. */
export const readable = (set: ImageSet): ImageSet => set.own ?? set;

export const isImageSet = (set: SampleSet): set is ImageSet => kindOf(set) === 'images';

/** Bytes of one image: height · width · 3. */
export const imageBytes = (set: Pick<ImageSet, 'height' | 'width'>): number => set.height * set.width * 3;

/** Throws unless image i exists and fits into `target` at `offset`: typed arrays ignore writes past their end. */
export function checkRead(set: ImageSet, i: number, target: Uint8Array, offset: number): void {
  if (!Number.isInteger(i) || i < 0 || i >= set.count) {
    throw new RangeError(`[images] ${set.name}: image ${i} of a set of ${set.count}`);
  }
  const end = offset + imageBytes(set);
  if (!Number.isInteger(offset) || offset < 0 || end > target.length) {
    throw new RangeError(`[images] ${set.name}: bytes ${offset} to ${end} of a target of ${target.length} bytes`);
  }
}

/** Chunks stay far below the 2 GiB that some of Node's calls take at most, and a failed allocation loses little. */
const CHUNK_BYTES = 64 * 2 ** 20;

/** Room for `count` images of `bytes` bytes each, in chunks that are allocated when first touched. */
export class PixelStore {
  private readonly chunks: (Uint8Array | undefined)[] = [];
  private readonly perChunk: number;

  constructor(
    readonly count: number,
    readonly bytes: number,
  ) {
    this.perChunk = Math.max(1, Math.floor(CHUNK_BYTES / bytes));
  }

  /** The bytes of image i: a view, for reading and writing. */
  slot(i: number): Uint8Array {
    const c = Math.floor(i / this.perChunk);
    const chunk = (this.chunks[c] ??= this.allocate(Math.min(this.perChunk, this.count - c * this.perChunk)));
    const start = (i - c * this.perChunk) * this.bytes;
    return chunk.subarray(start, start + this.bytes);
  }

  private allocate(images: number): Uint8Array {
    try {
      return new Uint8Array(images * this.bytes);
    } catch (cause) {
      const gib = ((this.count * this.bytes) / 2 ** 30).toFixed(1);
      throw new UserError(
        `not enough memory for ${counted(this.count, 'image')} (${gib} GiB): choose a smaller image size or fewer images`,
        1,
        { cause },
      );
    }
  }
}

/** An image set over a store; `count` may be less than the store has room for. */
export function storedSet(fields: Omit<ImageSet, 'read' | 'close'>, store: PixelStore): ImageSet {
  const set: ImageSet = {
    ...fields,
    read(i, target, offset) {
      checkRead(set, i, target, offset);
      target.set(store.slot(i), offset);
    },
  };
  return set;
}

/** The images of `set` at `indices`, in that order, without copying pixels. Closing it closes `set`. */
export function subset(set: ImageSet, indices: Uint32Array, name = set.name): ImageSet {
  const part: ImageSet = {
    name,
    count: indices.length,
    height: set.height,
    width: set.width,
    labels: set.labels && pick(set.labels, indices),
    classNames: set.classNames,
    captions: set.captions && Array.from(indices, (i) => set.captions![i]),
    files: set.files && Array.from(indices, (i) => set.files![i]),
    skipped: set.skipped,
    ...(set.source && { source: (i: number) => set.source!(indices[i]) }),
    read(i, target, offset) {
      checkRead(part, i, target, offset);
      set.read(indices[i], target, offset);
    },
    close: () => set.close?.(),
  };
  return part;
}

/** The images of `first`, then those of `second`; unlabelled, and of one size. */
export function concat(name: string, first: ImageSet, second: ImageSet): ImageSet {
  if (first.height !== second.height || first.width !== second.width) {
    const size = (set: ImageSet) => `${set.name} is ${set.height}×${set.width}`;
    throw new RangeError(`[images] concat: ${size(first)}, ${size(second)}`);
  }
  const both: ImageSet = {
    name,
    count: first.count + second.count,
    height: first.height,
    width: first.width,
    files: first.files && second.files && [...first.files, ...second.files],
    skipped: [...first.skipped, ...second.skipped],
    ...(first.source &&
      second.source && {
        source: (i: number) => (i < first.count ? first.source!(i) : second.source!(i - first.count)),
      }),
    read(i, target, offset) {
      checkRead(both, i, target, offset);
      if (i < first.count) first.read(i, target, offset);
      else second.read(i - first.count, target, offset);
    },
    close() {
      first.close?.();
      second.close?.();
    },
  };
  return both;
}

function pick(values: Uint8Array | Uint16Array, indices: Uint32Array): Uint8Array | Uint16Array {
  const picked = values instanceof Uint8Array ? new Uint8Array(indices.length) : new Uint16Array(indices.length);
  for (let i = 0; i < indices.length; i++) picked[i] = values[indices[i]];
  return picked;
}
