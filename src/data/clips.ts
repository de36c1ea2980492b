/** Image sets that are frames of video: a folder of frames, or a folder of folders of frames. */
import { posix } from 'node:path';
import { UserError } from '../errors.ts';
import type { ImageSet } from './images.ts';

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
    const folder = posix.dirname(files[i]);
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
