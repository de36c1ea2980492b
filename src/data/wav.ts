/**
 * WAV files (RIFF/WAVE): a header of chunks, then interleaved samples of all channels. PCM of 8, 16, 24 and 32 bits and floating point
 * of 32 and 64 are read, as frames are asked for: however long a file is, it takes no memory. Channels are mixed to one.
 * Formats: Microsoft, "Multimedia Programming Interface and Data Specifications 1.0" (1991), and WAVEFORMATEXTENSIBLE.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { UserError } from '../errors.ts';
import { guarded } from '../io/file_errors.ts';
import type { Series } from './series.ts';

interface WavFormat {
  readonly channels: number;
  readonly sampleRate: number;
  /** A sample of a channel at a place in the file's bytes, as a number from −1 to 1. */
  readonly sample: (bytes: Buffer, at: number) => number;
  /** Of one sample of one channel. */
  readonly bytes: number;
  /** Where the first frame is. */
  readonly start: number;
  /** One frame has a sample of each channel. */
  readonly frames: number;
}

/** Format tags. */
const [pcm, float, extensible] = [1, 3, 0xfffe];

const samples: Readonly<Record<string, WavFormat['sample']>> = {
  [`${pcm} 8`]: (bytes, at) => (bytes.readUInt8(at) - 2 ** 7) / 2 ** 7,
  [`${pcm} 16`]: (bytes, at) => bytes.readInt16LE(at) / 2 ** 15,
  [`${pcm} 24`]: (bytes, at) => bytes.readIntLE(at, 3) / 2 ** 23,
  [`${pcm} 32`]: (bytes, at) => bytes.readInt32LE(at) / 2 ** 31,
  [`${float} 32`]: (bytes, at) => bytes.readFloatLE(at),
  [`${float} 64`]: (bytes, at) => bytes.readDoubleLE(at),
};

/**
 * Opens a WAV file as a series of one channel, the mean of the file's. Of a file that was cut short, whole frames that are there count.
 *
 * @throws UserError it is no WAV file, or of a format that is not read, in a few words without its name; or it cannot be opened
 */
export function wavSeries(path: string): Series {
  const format = opened(path, (file) => formatOf(file, fstatSync(file).size));
  const { channels, frames, sampleRate } = format;
  return {
    ...{ length: frames, channels: 1, sampleRate },
    read(first, count, target, offset) {
      const block = channels * format.bytes;
      const bytes = opened(path, (file) => bytesAt(file, format.start + first * block, count * block));
      if (bytes.length < count * block)
        throw new UserError(`${path}: became shorter while it was read; restore it, and resume the run`);
      for (let frame = 0; frame < count; frame++) {
        let sum = 0;
        for (let channel = 0; channel < channels; channel++)
          sum += format.sample(bytes, frame * block + channel * format.bytes);
        target[offset + frame] = sum / channels;
      }
    },
  };
}

/** A file is open only while it is read: folders may have more than a process may open. */
function opened<T>(path: string, use: (file: number) => T): T {
  return guarded('read', path, () => {
    const file = openSync(path, 'r');
    try {
      return use(file);
    } finally {
      closeSync(file);
    }
  });
}

/** So many bytes, or as many as there are. */
function bytesAt(file: number, position: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  return bytes.subarray(0, readSync(file, bytes, 0, length, position));
}

/** Walks the chunks up to the samples: each has a name, a length, and contents padded to an even number of bytes. */
function formatOf(file: number, size: number): WavFormat {
  const head = bytesAt(file, 0, 12).toString('latin1');
  if (head.startsWith('RF64')) throw new UserError('an RF64 file: split it into WAV files below 4 GiB');
  if (!(head.length === 12 && head.startsWith('RIFF') && head.endsWith('WAVE'))) throw new UserError('not a WAV file');
  let format: Omit<WavFormat, 'start' | 'frames'> | undefined;
  for (let at = 12; at + 8 <= size; ) {
    const chunk = bytesAt(file, at, 8);
    const [name, length] = [chunk.toString('latin1', 0, 4), chunk.readUInt32LE(4)];
    const start = at + 8;
    if (name === 'fmt ') format = sampleFormat(bytesAt(file, start, Math.min(length, 40)));
    if (name === 'data') {
      if (!format) break;
      // What writes to a pipe does not know the length, and says 0 or the largest number.
      const bytes = length === 0 ? size - start : Math.min(length, size - start);
      return { ...format, start, frames: Math.floor(bytes / (format.bytes * format.channels)) };
    }
    at = start + length + (length % 2);
  }
  throw new UserError('a WAV file without samples');
}

/** The `fmt ` chunk: tag, channels, frames a second, bytes a second, bytes a frame, bits a sample; behind them an extension, which has the tag. */
function sampleFormat(chunk: Buffer): Omit<WavFormat, 'start' | 'frames'> {
  if (chunk.length < 16) throw new UserError('a WAV file with a damaged header');
  const [channels, sampleRate] = [chunk.readUInt16LE(2), chunk.readUInt32LE(4)];
  const [block, bits] = [chunk.readUInt16LE(12), chunk.readUInt16LE(14)];
  const named = chunk.readUInt16LE(0);
  const tag = named === extensible && chunk.length >= 26 ? chunk.readUInt16LE(24) : named;
  const sample = samples[`${tag} ${bits}`];
  if (!sample)
    throw new UserError(`samples of format ${tag} with ${bits} bits are not supported: convert it to PCM of 16 bits`);
  if (channels === 0 || sampleRate === 0 || block !== (channels * bits) / 8)
    throw new UserError('a WAV file with a damaged header');
  return { channels, sampleRate, sample, bytes: bits / 8 };
}
