/** Image sets that are frames of video: a folder of frames, or a folder of folders of frames. */
import { UserError } from '../errors.ts';
import { counted } from '../io/counted.ts';
import { type ImageSet, imageBytes } from './images.ts';

/** Frames that follow each other. */
export interface Clip {
  /** The folder of its frames, relative to that of the set; '.' where they lie in that folder itself. */
  readonly name: string;
  /** Images of the set, in the order of time. */
  readonly frames: readonly number[];
}

/** `frame-2.png` comes before `frame-10.png`, however many digits a program wrote. */
const byNumbers = new Intl.Collator('en', { numeric: true });

/**
 * The clips of a set: files of one folder are the frames of a clip, in the natural order of their names (numbers by their value).
 *
 * @throws UserError images without files, as they have no order, or nothing but clips of one frame
 */
export function clipsOf({ name, files, count }: Pick<ImageSet, 'name' | 'files' | 'count'>): readonly Clip[] {
  const remedy = 'give a folder of frames, or a folder of folders of frames, one for each clip';
  if (!files) throw new UserError(`${name}: needs clips, and these images are in no order; ${remedy}`);
  const clips = new Map<string, number[]>();
  for (let i = 0; i < count; i++) {
    const folder = files[i].includes('/') ? files[i].slice(0, files[i].lastIndexOf('/')) : '.';
    clips.set(folder, [...(clips.get(folder) ?? []), i]);
  }
  const inOrder = (a: number, b: number) => byNumbers.compare(files[a], files[b]);
  const found = Array.from(clips, ([folder, frames]) => ({ name: folder, frames: frames.sort(inOrder) }));
  if (found.some(({ frames }) => frames.length > 1)) return found;
  throw new UserError(`${name}: needs clips, and every folder in it has one image; ${remedy}`);
}

/**
 * For each image the frames that its colours are copied from: those before it in its clip, `step`, 2 · `step`, … frames back. Where the
 * clip has fewer, those behind it follow, so that no frame is copied from itself; of fewer than `references` others, some stand there again.
 * A clip of one frame has nothing but itself.
 *
 * @returns of each reference, the nearest first, a table [count]
 */
export function referenceFrames(clips: readonly Clip[], count: number, references: number, step = 1): Uint32Array[] {
  const tables = Array.from({ length: references }, () => Uint32Array.from({ length: count }, (_, i) => i));
  for (const { frames } of clips)
    frames.forEach((frame, t) => {
      const others = othersOf(t, frames.length, step);
      for (const [j, table] of tables.entries()) table[frame] = frames[others[j % others.length]];
    });
  return tables;
}

/** Times in a clip that time t may copy from, the best first. */
function othersOf(t: number, length: number, step: number): number[] {
  const [before, behind]: number[][] = [[], []];
  for (let other = t - step; other >= 0; other -= step) before.push(other);
  for (let other = t + step; other < length; other += step) behind.push(other);
  const others = [...before, ...behind];
  if (others.length > 0) return others;
  return [t > 0 ? t - 1 : Math.min(t + 1, length - 1)];
}

/** Pairs of frames that are looked at, and the squares along a side whose grey is compared: what moves by less than one is alike. */
const looked = { pairs: 200, squares: 16 };

/**
 * How alike frames are to those that follow them: the median, over pairs from all over the clips, of the correlation of their greys.
 * Of film it is near 1, of photographs that have nothing to do with each other near 0. NaN where all frames are of one colour.
 */
export function likenessInTime(images: ImageSet, clips: readonly Clip[]): number {
  const pairs = clips.flatMap(({ frames }) => frames.slice(1).map((frame, t) => [frames[t], frame] as const));
  const bytes = new Uint8Array(imageBytes(images));
  const greys = (i: number): Float64Array => {
    images.read(i, bytes, 0);
    return greySquares(bytes, images, looked.squares);
  };
  const chosen = Math.min(looked.pairs, pairs.length);
  const found = Array.from({ length: chosen }, (_, k) => {
    const [one, next] = pairs[Math.floor((k * pairs.length) / chosen)];
    return correlation(greys(one), greys(next));
  }).filter((value) => !Number.isNaN(value));
  return found.sort((a, b) => a - b)[Math.floor(found.length / 2)] ?? Number.NaN;
}

/**
 * Below it, frames that follow each other do so by their names alone. Photographs in a folder for each class have 0.03 to 0.14; a view that
 * moves over a photograph 0.75 where the next one is off by a sixteenth of the width, 0.5 by an eighth, 0.24 by a quarter.
 */
const leastLikeness = 0.3;

/**
 * Why images in clips are no video, and what to give, a line each; undefined where they look like it. Names of files and folders do not
 * tell: frames and photographs may be called anything.
 * @throws UserError the images are in no clips
 */
export function notVideo(images: ImageSet): { readonly message: string; readonly remedy: string } | undefined {
  const clips = clipsOf(images);
  const likeness = likenessInTime(images, clips);
  if (!(likeness < leastLikeness)) return undefined;
  const folders = `${counted(clips.length, 'folder')} with ${counted(images.count, 'image')}`;
  return {
    message: `${images.name}: does not look like video: ${folders} ${clips.length > 1 ? 'are taken for clips' : 'is taken for a clip'}, but images that follow each other by name have little in common (median correlation ${likeness.toFixed(2)}, of video above ${leastLikeness})`,
    remedy:
      'give a folder of frames for each clip, with names in the order of time; photographs by class are for other methods',
  };
}

/** Mean of the bytes of so many squares along each side, or of pixels where there are fewer. */
function greySquares(bytes: Uint8Array, { height, width }: Pick<ImageSet, 'height' | 'width'>, squares: number) {
  const [rows, columns] = [Math.min(squares, height), Math.min(squares, width)];
  const sums = new Float64Array(rows * columns);
  const counts = new Float64Array(rows * columns);
  for (let i = 0; i < bytes.length; i++) {
    const [y, x] = [Math.floor(i / (3 * width)), Math.floor(i / 3) % width];
    const square = Math.floor((y * rows) / height) * columns + Math.floor((x * columns) / width);
    sums[square] += bytes[i];
    counts[square]++;
  }
  return sums.map((sum, i) => sum / counts[i]);
}

/** Pearson's; NaN where one of them is the same everywhere. */
function correlation(a: Float64Array, b: Float64Array): number {
  const centred = (values: Float64Array) => {
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    return values.map((value) => value - mean);
  };
  const [x, y] = [centred(a), centred(b)];
  const dot = (p: Float64Array, q: Float64Array) => p.reduce((sum, value, i) => sum + value * q[i], 0);
  return dot(x, y) / Math.sqrt(dot(x, x) * dot(y, y));
}
