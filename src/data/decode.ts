/** From a photo's file to size×size RGB: the one place that uses `sharp` (libvips). */
import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import { messageOf } from '../errors.ts';

/**
 * Filter for changes of size: Lanczos-3, widened when shrinking, so that small pictures of large photos do not alias.
 * Both ways into a size (photos, STL-10) use it.
 */
const KERNEL = 'lanczos3';

/**
 * Decodes a photo to size×size RGB, row by row, 3 bytes a pixel.
 *
 * Turned as its EXIF orientation says; colour profiles, CMYK, 16 bit and greyscale become 8-bit sRGB; transparency is
 * laid over black, as if light came from the picture alone; the shorter side is resized to `size` and the longer cut to
 * its centre. A picture that already is size×size sRGB keeps every byte. Of an animation, the first frame.
 *
 * @throws Error with the decoder's reason, for corrupt and truncated files
 */
export async function decodePhoto(file: string, size: number): Promise<Uint8Array> {
  return decode(await bytesOf(file), size, 'warning');
}

/**
 * A second look at a photo that `decodePhoto` refused: a file that is odd but whole is accepted, and the error names the
 * true reason. Only for one photo at a time: libvips keeps its messages in one place for all threads, so that while
 * others are decoded a message may be missing, or another photo's.
 */
export async function decodeRefused(file: string, size: number): Promise<Uint8Array> {
  const bytes = await bytesOf(file);
  try {
    return await decode(bytes, size, 'warning');
  } catch (error) {
    if (!HARMLESS.test(messageOf(error))) throw error;
    return decode(bytes, size, 'error');
  }
}

/**
 * libjpeg's warnings about files that are odd but whole, as some phones write them. Its other warnings mean damage: the
 * picture would load with grey or shifted blocks.
 */
const HARMLESS = /extraneous bytes before marker|Invalid SOS parameters/;

/** Read here, not by libvips: its cache goes by file name and would return a picture that has since been replaced. */
async function bytesOf(file: string): Promise<Uint8Array> {
  const bytes = await readFile(file);
  if (bytes.length === 0) throw new Error('the file is empty');
  return bytes;
}

function decode(bytes: Uint8Array, size: number, failOn: 'warning' | 'error'): Promise<Uint8Array> {
  return sharp(bytes, { failOn })
    .rotate()
    .flatten({ background: '#000000' })
    .resize(size, size, { fit: 'cover', position: 'centre', kernel: KERNEL })
    .toColourspace('srgb')
    .removeAlpha()
    .raw()
    .toBuffer();
}

/** Resizes a square RGB image of `from`×`from` pixels to `to`×`to`. */
export async function resizeRgb(pixels: Uint8Array, from: number, to: number): Promise<Uint8Array> {
  return sharp(pixels, { raw: { width: from, height: from, channels: 3 } })
    .resize(to, to, { fit: 'fill', kernel: KERNEL })
    .raw()
    .toBuffer();
}

/** The first line of what went wrong, short enough for a list. */
export function shortReason(error: unknown): string {
  const line = messageOf(error)
    .split('\n')
    .find((part) => part.trim() !== '');
  return (line ?? 'unknown error')
    .replace(/^Input (buffer|file) (has|contains) /, '')
    .trim()
    .slice(0, 120);
}
