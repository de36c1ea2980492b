/** What may be carried through a clip, and how what arrives is scored and shown: masks of objects, or colours. */
import { labOf } from '../data/lab.ts';
import { encodeMask } from '../data/masks.ts';
import { labPictures } from '../ssl/lab_pictures.ts';
import type { Pixels } from '../ssl/pixels.ts';
import { type Overlap, overlaps } from './region_similarity.ts';

/** What reached a frame. */
export interface Arrival {
  /** The frame as it is shown, what was carried to it, and how it is in truth, where that is known. */
  readonly pictures: readonly [frame: Pixels, carried: Pixels, truth: Pixels | undefined];
  /** Beside the same of what is known of the first frame, left where it is; without truth there is none. */
  readonly scores?: Compared;
  /** The mask that was carried, as a PNG file. */
  readonly mask?: Buffer;
}

/** How good what was carried is, and the first frame's left in the same place: of each object, or one number. */
export interface Compared {
  readonly carried: readonly number[];
  readonly samePlace: readonly number[];
}

/** Something that is known of every pixel of the first frame. */
export interface Cargo {
  readonly channels: number;
  /** [S, S, channels] of the first frame. */
  readonly first: Float32Array;
  /**
   * @param t of the frame in its clip
   * @param frame as the encoder is given it
   * @param values [S, S, channels] that reached it
   */
  arrive(t: number, frame: Pixels, values: Float32Array): Promise<Arrival>;
}

/**
 * Masks: the share of each object in a pixel is carried, and a pixel is of what it has most of.
 *
 * @param colours what labels stand for, the first for nothing
 * @param truth labels of frame t, where they are known: of the first they are
 */
export function masksAsCargo(
  side: number,
  colours: readonly number[],
  truth: (t: number) => Promise<Uint8Array | undefined>,
  first: Uint8Array,
): Cargo {
  const channels = colours.length;
  const shares = new Float32Array(first.length * channels);
  for (const [i, label] of first.entries()) shares[i * channels + label] = 1;
  const objects = colours.flatMap((_, label) => (label > 0 ? [label] : []));
  return {
    ...{ channels, first: shares },
    async arrive(t, frame, values) {
      const labels = t === 0 ? first : largest(values, channels);
      const known = await truth(t);
      const of = (one: Uint8Array): Overlap[] => overlaps(one, known!, objects);
      return {
        pictures: [frame, overlaid(frame, labels), known && overlaid(frame, known)],
        ...(known && t > 0 && { scores: { carried: of(labels), samePlace: of(first) } }),
        mask: await encodeMask(labels, side, colours),
      };
    },
  };
}

/** The channel of each pixel that has most. */
function largest(values: Float32Array, channels: number): Uint8Array {
  return Uint8Array.from({ length: values.length / channels }, (_, i) => {
    const own = values.subarray(i * channels, (i + 1) * channels);
    return own.indexOf(Math.max(...own));
  });
}

const greyOf = (rgb: ArrayLike<number>, i: number): number =>
  0.299 * rgb[3 * i] + 0.587 * rgb[3 * i + 1] + 0.114 * rgb[3 * i + 2];

/** A frame in grey, objects in colours of their own. */
function overlaid({ side, rgb }: Pixels, labels: Uint8Array): Pixels {
  const mixed = Array.from(labels).flatMap((label, i) => {
    const grey = greyOf(rgb, i);
    return label === 0 ? [grey, grey, grey] : objectColour(label).map((byte) => (grey + 2 * byte) / 3);
  });
  return { side, rgb: Uint8Array.from(mixed, Math.round) };
}

/** Hues, as far from those of the objects before as the golden angle brings them; the first is red. */
function objectColour(label: number): number[] {
  const hue = ((label - 1) * 137.508) / 60;
  return [0, 4, 2].map((shift) => 255 * Math.min(1, Math.max(0, Math.abs(((hue + shift) % 6) - 3) - 1)));
}

/** Colours: a and b of Lab are carried, and the lightness is the frame's own. Scores are distances in units of Lab. */
export function coloursAsCargo(frameOf: (t: number) => Pixels): Cargo {
  const { ab } = labOfPixels(frameOf(0));
  let still: Float32Array | undefined;
  return {
    ...{ channels: 2, first: ab },
    async arrive(t, frame, values) {
      // The first frame's colours, as coarse as those that are carried.
      still ??= values;
      const own = labOfPixels(frame);
      const picture = (colours: ArrayLike<number>) =>
        labPictures(1, frame.side, (i) => [own.lightness[i], colours[2 * i], colours[2 * i + 1]])[0];
      return {
        pictures: [picture(new Float32Array(values.length)), picture(values), frame],
        ...(t > 0 && { scores: { carried: [distance(values, own.ab)], samePlace: [distance(still, own.ab)] } }),
      };
    },
  };
}

function labOfPixels({ rgb }: Pixels) {
  const count = rgb.length / 3;
  const [lightness, ab] = [new Float32Array(count), new Float32Array(2 * count)];
  for (let i = 0; i < count; i++) {
    const [L, a, b] = labOf([rgb[3 * i] / 255, rgb[3 * i + 1] / 255, rgb[3 * i + 2] / 255]);
    lightness[i] = L;
    ab.set([a, b], 2 * i);
  }
  return { lightness, ab };
}

/** Mean over pixels of √(Δa² + Δb²). */
function distance(one: Float32Array, other: Float32Array): number {
  const pixels = one.length / 2;
  let sum = 0;
  for (let i = 0; i < pixels; i++) sum += Math.hypot(one[2 * i] - other[2 * i], one[2 * i + 1] - other[2 * i + 1]);
  return sum / pixels;
}
