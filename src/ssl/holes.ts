/** Which part of a picture a context encoder does not see, and which it has to make. */
import type { Tensor } from '../graph/tensor.ts';
import { constant } from '../graph/trace.ts';
import { evenly } from '../losses/picture_error.ts';
import { middle } from '../nn/decoder.ts';
import { add } from '../ops/add.ts';
import { mul, sub } from '../ops/binary.ts';
import { reshape } from '../ops/reshape.ts';
import { pad } from '../ops/strided_copy.ts';
import type { Feeds, StepTime } from './feeds.ts';
import { random } from './rng.ts';

export const holeRegions = ['center', 'blocks'] as const;

export interface Holes {
  /** f32 [1 or N, S, S, 1]: 1 where a picture is not seen. */
  readonly hidden: Tensor;
  /** The same of the part, [1 or N, side, side, 1]. */
  readonly hole: Tensor;
  /** How many times the error of each pixel of the part counts in the mean over them, [1 or N, side, side, 1]. */
  readonly weight: Tensor;
  /** The part of pictures [N, S, S, C] that is made: [N, side, side, C]. */
  part(pictures: Tensor): Tensor;
  /** What is made, [N, side, side, C], with what is seen of the part around it; the gradient of the seen is that of `part`. */
  filled(made: Tensor, part: Tensor): Tensor;
  /** Pictures with another part. */
  whole(pictures: Tensor, part: Tensor): Tensor;
}

/** The half of a side, as in the paper. */
export const centreSide = (size: number): number => Math.floor(size / 2);
/** Pixels around the centre's hole that are made though they are seen: 4 of 128, and 1 at least. */
export const bandOf = (size: number): number => Math.max(1, Math.round(size / 32));

/**
 * The centre (Pathak et al., 2016, §3.2): the part is a square of half the side, of which a band along its border is seen, and counts
 * `bandWeight` times, so that what is made goes on from what is around it.
 */
export function centreHole(size: number, bandWeight: number): Holes {
  const side = centreSide(size);
  const band = bandOf(size);
  const inner = { from: band, to: side - band };
  const first = Math.floor((size - side) / 2);
  const square = (name: string, sides: number, from: number, to: number, inside: number, outside: number) => {
    const within = (at: number) => at >= from && at < to;
    const values = Float32Array.from({ length: sides * sides }, (_, i) =>
      within(Math.floor(i / sides)) && within(i % sides) ? inside : outside,
    );
    return constant(name, values, [1, sides, sides, 1]);
  };
  return {
    hidden: square('hidden pixels', size, first + inner.from, first + inner.to, 1, 0),
    hole: square('hole', side, inner.from, inner.to, 1, 0),
    weight: square('weights of pixels', side, inner.from, inner.to, 1, bandWeight),
    part: (pictures) => middle(pictures, side),
    filled: (made) => made,
    whole: (pictures, part) => {
      const around = [first, size - side - first] as const;
      const placed = pad(part, [[0, 0], around, around, [0, 0]]);
      return filledIn(pictures, square('part', size, first, first + side, 1, 0), placed);
    },
  };
}

/** Squares of a quarter of the side, so many that they are a quarter of the picture where they do not overlap. */
const blocks = 4;
const blockSide = (size: number): number => Math.round(size / 4);
/** Keeps these draws apart from others of an image. */
const stream = 0x686f6c65;

/** Left and top of each block of an image in an epoch. */
export function drawnBlocks(size: number, image: number, { seed, epoch }: Pick<StepTime, 'seed' | 'epoch'>) {
  const draw = random(seed, epoch, image, stream);
  const places = size - blockSide(size) + 1;
  return Array.from({ length: blocks }, () => [draw.below(places), draw.below(places)] as const);
}

/** Random blocks (§3.3): the part is the whole picture, of which only the errors of hidden pixels count; others in every epoch. */
export function blockHoles(size: number, feeds: Feeds): Holes {
  const side = blockSide(size);
  const mask = feeds.rows('hidden pixels', size * size, (image, time) => {
    const row = new Float32Array(size * size);
    for (const [left, top] of drawnBlocks(size, image, time))
      for (let y = top; y < top + side; y++) row.fill(1, y * size + left, y * size + left + side);
    return row;
  });
  const hidden = reshape(mask, [mask.shape[0], size, size, 1]);
  return {
    ...{ hidden, hole: hidden, weight: evenly(hidden) },
    part: (pictures) => pictures,
    filled: (made, part) => filledIn(part, hidden, made),
    whole: (_, part) => part,
  };
}

/** Pictures, with others in place of what is hidden (1) of them. */
export const filledIn = (pictures: Tensor, hidden: Tensor, other: Tensor): Tensor =>
  add(mul(pictures, sub(1, hidden)), mul(other, hidden));
