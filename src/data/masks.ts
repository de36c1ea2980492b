/** Masks of objects: PNG files beside the frames of a clip. Each colour is an object; black, and what is transparent, is none. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import { UserError } from '../errors.ts';
import { shortReason } from './decode.ts';

/** Objects of a mask. A picture of more colours is a photo, or a mask that was scaled or saved as JPEG. */
const mostObjects = 15;

export interface Mask {
  readonly path: string;
  readonly width: number;
  readonly height: number;
  /** Colours 0xrrggbb, row by row. */
  readonly pixels: Uint32Array;
  /** Those that there are, ascending; black is the first, whether it is there or not. */
  readonly colours: readonly number[];
}

/** @throws UserError no such file, not a picture, or of too many colours */
export async function readMask(path: string): Promise<Mask> {
  if (!existsSync(path)) throw new UserError(`${path}: no such file; give a mask as PNG`);
  const { data, info } = await decoded(path);
  const { width, height } = info;
  const pixels = Uint32Array.from(
    { length: width * height },
    (_, i) => (data[3 * i] << 16) | (data[3 * i + 1] << 8) | data[3 * i + 2],
  );
  const colours = [...new Set([0, ...pixels])].sort((a, b) => a - b);
  const objects = colours.length - 1;
  if (objects > mostObjects) {
    throw new UserError(
      `${path}: has ${objects} colours beside black, and a mask at most ${mostObjects}, one for each object; give a PNG that was neither scaled nor saved as JPEG`,
    );
  }
  return { path, width, height, pixels, colours };
}

/** Read here, not by libvips, whose cache goes by file name. */
async function decoded(path: string) {
  try {
    const picture = sharp(await readFile(path)).flatten({ background: '#000000' });
    return await picture.toColourspace('srgb').removeAlpha().raw().toBuffer({ resolveWithObject: true });
  } catch (error) {
    throw new UserError(`${path}: cannot be read as a mask (${shortReason(error)}); give a PNG`);
  }
}

/** UserError: the mask has not the proportions of its frame. Sides may be rounded, and a mask smaller or larger than the frame. */
export async function checkProportions({ path, width, height }: Mask, frame: string): Promise<void> {
  const { autoOrient } = await sharp(await readFile(frame)).metadata();
  const difference = Math.abs(width * autoOrient.height - height * autoOrient.width);
  if (difference <= Math.max(autoOrient.width, autoOrient.height)) return;
  const sizes = `${width}×${height} and its frame ${frame} ${autoOrient.width}×${autoOrient.height}`;
  throw new UserError(`${path}: is ${sizes}; give a mask of the frame's size, or of its proportions`);
}

/**
 * Labels [side, side] of the middle square of a mask, as photos are cut to size: the place of a pixel's colour among `colours`, 0 where
 * it is none of them. Pixels are the nearest, so that no colours come to be between two.
 */
export function labelsOfMask({ width, height, pixels }: Mask, side: number, colours: readonly number[]): Uint8Array {
  const shorter = Math.min(width, height);
  const from = (at: number, length: number) => {
    // As `decodePhoto` cuts: a whole number of pixels off the picture at its new size, the odd one in front.
    const scaled = Math.round((length * side) / shorter);
    const cut = Math.floor((scaled - side + 1) / 2);
    return Math.floor(((at + cut + 0.5) * length) / scaled);
  };
  return Uint8Array.from({ length: side * side }, (_, i) => {
    const [x, y] = [from(i % side, width), from(Math.floor(i / side), height)];
    return Math.max(0, colours.indexOf(pixels[y * width + x]));
  });
}

/** Labels [side, side] as a mask in the colours that they stand for: a PNG file. */
export function encodeMask(labels: Uint8Array, side: number, colours: readonly number[]): Promise<Buffer> {
  const rgb = new Uint8Array(3 * labels.length);
  for (const [i, label] of labels.entries()) {
    const colour = colours[label];
    rgb.set([colour >> 16, (colour >> 8) & 255, colour & 255], 3 * i);
  }
  return sharp(rgb, { raw: { width: side, height: side, channels: 3 } })
    .png()
    .toBuffer();
}
