/** The masks of clips: a file for the first frame of one, or a folder that has them under the names of the frames. */
import { existsSync, statSync } from 'node:fs';
import { join, resolve, sep } from 'node:path';
import type { Clip } from '../data/clips.ts';
import type { ImageSet } from '../data/images.ts';
import { checkProportions, labelsOfMask, type Mask, readMask } from '../data/masks.ts';
import { UserError } from '../errors.ts';

/** A clip, and where the masks of its frames are. */
export interface MaskedClip extends Clip {
  /** By the frame's place in the clip; 0 is there. */
  readonly masks: ReadonlyMap<number, string>;
}

/** The mask of the first frame, and those of others as they are asked for. */
export interface ClipMasks {
  /** What labels stand for, black first: the colours of the first frame's mask. */
  readonly colours: readonly number[];
  /** [side, side] */
  readonly first: Uint8Array;
  readonly truth: (t: number) => Promise<Uint8Array | undefined>;
}

/** The mask of a frame: under the same name, as PNG. */
const maskName = (file: string): string => `${file.replace(/\.[^./]*$/, '')}.png`;

/**
 * Clips whose first frame has a mask. A file is that of the first clip; in a folder, masks lie as the frames do in theirs.
 * @throws UserError nothing there, no mask of a first frame, or masks that were taken for frames
 */
export function maskedClips(clips: readonly Clip[], set: ImageSet, path: string): MaskedClip[] {
  if (!existsSync(path)) throw new UserError(`--masks ${path}: no such file or folder`, 2);
  const files = set.files!;
  const inside = files.find((_, i) => `${resolve(set.source!(i))}${sep}`.startsWith(`${resolve(path)}${sep}`));
  if (inside !== undefined) {
    const remedy = 'keep masks elsewhere, or leave them out with --exclude';
    throw new UserError(`--masks ${path}: ${inside} of ${set.name} is there, and was taken for a frame; ${remedy}`, 2);
  }
  if (!statSync(path).isDirectory()) return [{ ...clips[0], masks: new Map([[0, path]]) }];
  const masksOf = ({ frames }: Clip) =>
    new Map(
      frames.flatMap((frame, t): [number, string][] => {
        const mask = join(path, maskName(files[frame]));
        return existsSync(mask) ? [[t, mask]] : [];
      }),
    );
  const masked = clips.map((clip) => ({ ...clip, masks: masksOf(clip) })).filter(({ masks }) => masks.has(0));
  if (masked.length > 0) return masked;
  const wanted = join(path, maskName(files[clips[0].frames[0]]));
  throw new UserError(`--masks ${path}: no mask of the first frame of any clip; looked for ${wanted}, …`, 2);
}

/** Reads masks at the size of the frames as the encoder is given them. */
export async function openMasks({ frames, masks }: MaskedClip, set: ImageSet): Promise<ClipMasks> {
  const read = async (t: number): Promise<Mask> => {
    const mask = await readMask(masks.get(t)!);
    await checkProportions(mask, set.source!(frames[t]));
    return mask;
  };
  const own = await read(0);
  const { colours } = own;
  const first = labelsOfMask(own, set.width, colours);
  if (first.every((label) => label === 0)) {
    throw new UserError(
      `${own.path}: no object in the middle square of its frame, which is what the encoder sees; objects are pixels that are not black`,
    );
  }
  const truth = async (t: number) =>
    t === 0 ? first : masks.has(t) ? labelsOfMask(await read(t), set.width, colours) : undefined;
  return { colours, first, truth };
}
