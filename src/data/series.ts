/** Series of numbers in files: what sequences are cut from. */
import { readFileSync } from 'node:fs';
import { UserError } from '../errors.ts';
import { toFloat32 } from '../io/dtypes.ts';
import { guarded } from '../io/file_errors.ts';
import { decodeNpy } from '../io/npy.ts';

/** Frames one after another in time, of `channels` numbers each. */
export interface Series {
  /** Frames. */
  readonly length: number;
  readonly channels: number;
  /** Frames in a second; undefined where the file does not say. */
  readonly sampleRate?: number;
  /** Copies frames [first, first + count) as [count, channels] to `target[offset …]`. Synchronous. UserError: the file cannot be read. */
  read(first: number, count: number, target: Float32Array, offset: number): void;
}

/** A series over numbers [length, channels] in memory. */
export const seriesOf = (numbers: Float32Array, channels: number): Series => ({
  ...{ length: numbers.length / channels, channels },
  read: (first, count, target, offset) =>
    target.set(numbers.subarray(first * channels, (first + count) * channels), offset),
});

/**
 * Reads a NumPy array [T] or [T, C] of any type of number as a series of T frames.
 * @throws UserError it is none, or has values that are not finite
 */
export function npySeries(path: string): Series {
  const { shape, ...array } = decodeNpy(
    guarded('read', path, () => readFileSync(path)),
    'it',
  );
  const [frames = 0, channels = 1] = shape;
  if (shape.length > 2 || frames === 0 || channels === 0)
    throw new UserError(`an array of shape (${shape.join(', ')}): give one of frames, or of frames × channels`);
  const numbers = toFloat32(array);
  const wrong = numbers.findIndex((value) => !Number.isFinite(value));
  if (wrong >= 0)
    throw new UserError(`frame ${Math.floor(wrong / channels)} is ${numbers[wrong]}, not a finite number: replace it`);
  return seriesOf(numbers, channels);
}
