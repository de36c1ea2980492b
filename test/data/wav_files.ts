/** WAV files and tones, written and drawn by tests. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { NamedSeries } from '../../src/data/sequences.ts';
import { seriesOf } from '../../src/data/series.ts';
import { random } from '../../src/ssl/rng.ts';

export interface WavOptions {
  readonly sampleRate?: number;
  readonly channels?: number;
  readonly bits?: number;
  /** 1: PCM, 3: floating point. */
  readonly tag?: number;
  /** The tag is in the extension of the header. */
  readonly extensible?: boolean;
  /** Chunks between header and samples. */
  readonly before?: readonly Buffer[];
  /** What the file says of the length of its samples, in bytes. */
  readonly told?: number;
}

/** A chunk: name, length, contents, padded to an even number of bytes. */
export function chunk(name: string, content: Buffer, told = content.length): Buffer {
  const head = Buffer.alloc(8);
  head.write(name, 'latin1');
  head.writeUInt32LE(told, 4);
  return Buffer.concat([head, content, Buffer.alloc(content.length % 2)]);
}

/** A WAV file of interleaved samples from −1 to 1. */
export function wavBytes(samples: ArrayLike<number>, options: WavOptions = {}): Buffer {
  const { sampleRate = 8000, channels = 1, bits = 16, tag = 1, extensible = false, before = [], told } = options;
  const bytes = bits / 8;
  const format = Buffer.alloc(extensible ? 40 : 16);
  format.writeUInt16LE(extensible ? 0xfffe : tag, 0);
  format.writeUInt16LE(channels, 2);
  format.writeUInt32LE(sampleRate, 4);
  format.writeUInt32LE(sampleRate * channels * bytes, 8);
  format.writeUInt16LE(channels * bytes, 12);
  format.writeUInt16LE(bits, 14);
  if (extensible) format.writeUInt16LE(tag, 24);
  const data = Buffer.alloc(samples.length * bytes);
  for (let i = 0; i < samples.length; i++) writeSample(data, i * bytes, samples[i], tag, bits);
  const body = Buffer.concat([Buffer.from('WAVE'), chunk('fmt ', format), ...before, chunk('data', data, told)]);
  return chunk('RIFF', body);
}

function writeSample(data: Buffer, at: number, value: number, tag: number, bits: number): void {
  if (tag === 3) {
    if (bits === 32) data.writeFloatLE(value, at);
    else data.writeDoubleLE(value, at);
    return;
  }
  const scale = 2 ** (bits - 1);
  const whole = Math.max(-scale, Math.min(scale - 1, Math.round(value * scale)));
  if (bits === 8) data.writeUInt8(whole + scale, at);
  else data.writeIntLE(whole, at, bits / 8);
}

export function writeWav(path: string, samples: ArrayLike<number>, options?: WavOptions): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, wavBytes(samples, options));
}

/** Shapes of a wave over a period from 0 to 1. */
export const waves = {
  sine: (phase: number) => Math.sin(2 * Math.PI * phase),
  square: (phase: number) => (phase < 0.5 ? 1 : -1),
  sawtooth: (phase: number) => 2 * phase - 1,
} as const;
export type Wave = keyof typeof waves;

/** A tone with noise: a wave of a drawn pitch and loudness. @param number draws another one */
export function tone(wave: Wave, frames: number, number: number): Float32Array {
  const draw = random(number, Object.keys(waves).indexOf(wave));
  const [period, loudness, start] = [10 + 30 * draw.uniform(), 0.2 + 0.6 * draw.uniform(), draw.uniform()];
  return Float32Array.from(
    { length: frames },
    (_, t) => loudness * waves[wave]((start + t / period) % 1) + 0.02 * draw.normal(),
  );
}

/** So many tones of each wave, in memory. */
export const tones = (count: number, frames: number): readonly NamedSeries[] =>
  (Object.keys(waves) as Wave[]).flatMap((wave, label) =>
    Array.from({ length: count }, (_, i) => ({
      ...{ file: `${wave}/${i}.wav`, label },
      series: { ...seriesOf(tone(wave, frames, i), 1), sampleRate: 8000 },
    })),
  );
