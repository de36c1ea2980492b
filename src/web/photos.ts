/** Photos that a user chose in a page, as an image set in memory. */
import { type ImageSet, type OnProgress, PixelStore, storedSet, subset } from '../data/images.ts';
import type { Skipped } from '../data/samples.ts';
import { messageOf, UserError } from '../errors.ts';
import { counted } from '../io/counted.ts';
import { resizeSquare } from './resize.ts';

/** Photos that are decoded at a time: decoding is the browser's, on other threads, and large photos take tens of megabytes. */
const atOnce = 4;

/** How chosen photos are decoded and called. */
export interface PhotoOptions {
  /** Height and width that every photo gets. */
  readonly size: number;
  /** How the set is called in messages. */
  readonly name?: string;
  /** How each file is called: by its path in its folder where that is known. */
  readonly nameOf?: (file: File) => string;
  readonly onProgress?: OnProgress;
}

/** What of the files could be decoded. */
export interface LoadedPhotos {
  readonly set: ImageSet;
  /** Which file each photo of the set is, by its place among those given. */
  readonly places: readonly number[];
}

const ownName = (file: File): string => file.webkitRelativePath || file.name;

/**
 * Decodes photos to size×size RGB: turned as their EXIF orientation says, transparency laid over black, the shorter side resized to `size`
 * and the longer cut to its centre. What cannot be decoded is among the set's `skipped`.
 *
 * @throws UserError there are none, or none that the browser can decode
 */
export async function loadPhotos(files: readonly File[], options: PhotoOptions): Promise<LoadedPhotos> {
  const { size, name = 'photos', nameOf = ownName, onProgress } = options;
  const store = new PixelStore(files.length, size * size * 3);
  const reasons = new Array<string | undefined>(files.length).fill(undefined);
  let [next, done] = [0, 0];
  const work = async () => {
    for (let i = next++; i < files.length; i = next++) {
      await decodePhoto(files[i], size).then(
        (pixels) => store.slot(i).set(pixels),
        (error) => {
          reasons[i] = messageOf(error);
        },
      );
      onProgress?.({ phase: 'decode', done: ++done, total: files.length });
    }
  };
  await Promise.all(Array.from({ length: Math.min(files.length, atOnce) }, work));
  const skipped = reasons.flatMap((reason, i) => (reason === undefined ? [] : [{ file: nameOf(files[i]), reason }]));
  const places = [...files.keys()].filter((i) => reasons[i] === undefined);
  if (places.length === 0) throw noneDecoded(name, skipped);
  const all = { name, count: files.length, height: size, width: size, files: files.map(nameOf), skipped };
  return { set: subset(storedSet(all, store), Uint32Array.from(places)), places };
}

function noneDecoded(name: string, skipped: readonly Skipped[]): UserError {
  const [first] = skipped;
  return first
    ? new UserError(
        `${name}: none of ${counted(skipped.length, 'file')} can be decoded; ${first.file}: ${first.reason}`,
      )
    : new UserError(`${name}: there are no files; choose some photos`);
}

/**
 * Decodes one photo to size×size RGB, row by row, 3 bytes a pixel; see `loadPhotos`.
 * @throws Error with a reason in a few words
 */
export async function decodePhoto(file: Blob, size: number): Promise<Uint8Array> {
  if (file.size === 0) throw new Error('the file is empty');
  const bitmap = await createImageBitmap(file, { imageOrientation: 'from-image' }).catch((error: unknown) => {
    throw new Error(error instanceof DOMException && error.name === 'NotReadableError' ? moved : undecodable);
  });
  try {
    return squareOf(bitmap, size);
  } finally {
    bitmap.close();
  }
}

const undecodable = 'no picture that this browser can decode';
const moved = 'the file was moved or changed since it was chosen';

/** The least shrinking that is left to our own filter: what is more is halved before, by averages of four pixels. */
const leftToFilter = 2;

/** The centre of a picture at size×size. */
function squareOf(bitmap: ImageBitmap, size: number): Uint8Array {
  const side = Math.min(bitmap.width, bitmap.height);
  const [x, y] = [(bitmap.width - side) / 2, (bitmap.height - side) / 2].map(Math.floor);
  const halved = (from: number) => (from >= 2 * leftToFilter * size ? Math.ceil(from / 2) : from);
  // The first one cuts the square out as well.
  let canvas = drawn(bitmap, x, y, side, halved(side));
  while (halved(canvas.width) < canvas.width) canvas = drawn(canvas, 0, 0, canvas.width, halved(canvas.width));
  const { width } = canvas;
  return resizeSquare(contextOf(canvas).getImageData(0, 0, width, width).data, width, size);
}

/** A square of a picture, over black. */
function drawn(source: ImageBitmap | OffscreenCanvas, x: number, y: number, from: number, to: number): OffscreenCanvas {
  const canvas = new OffscreenCanvas(to, to);
  const context = contextOf(canvas);
  context.imageSmoothingEnabled = from !== to;
  context.drawImage(source, x, y, from, from, 0, 0, to, to);
  return canvas;
}

/** Read back often, and so kept in the host's memory. */
function contextOf(canvas: OffscreenCanvas): OffscreenCanvasRenderingContext2D {
  const context = canvas.getContext('2d', { alpha: false, willReadFrequently: true, colorSpace: 'srgb' });
  if (!context) throw new Error('not enough memory to decode it');
  return context;
}
