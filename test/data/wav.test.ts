/** Samples that are written to WAV files are read again. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { wavSeries } from '../../src/data/wav.ts';
import { UserError } from '../../src/errors.ts';
import { scratchFolder } from '../cli/run.ts';
import { chunk, type WavOptions, wavBytes, writeWav } from './wav_files.ts';

const folder = scratchFolder();
const file = join(folder, 'a.wav');

const samples = [0, 0.5, -0.5, 0.25, -1, 0.99, 0.125, -0.75];

function readAll(path = file): { values: number[]; sampleRate: number | undefined } {
  const series = wavSeries(path);
  const values = new Float32Array(series.length);
  series.read(0, series.length, values, 0);
  return { values: [...values], sampleRate: series.sampleRate };
}

describe('samples', () => {
  it.each<[string, WavOptions, number]>([
    ['8 bits', { bits: 8 }, 1 / 128],
    ['16 bits', { bits: 16, sampleRate: 16000 }, 1 / 2 ** 15],
    ['24 bits', { bits: 24 }, 1 / 2 ** 23],
    ['32 bits', { bits: 32 }, 1e-7],
    ['floats', { tag: 3, bits: 32 }, 1e-7],
    ['floats of 64 bits', { tag: 3, bits: 64 }, 1e-7],
    ['a format in the extension', { bits: 24, extensible: true }, 1 / 2 ** 23],
    ['chunks before them, one of odd length', { before: [chunk('LIST', Buffer.from('odd'))] }, 1 / 2 ** 15],
  ])('of %s are read as they were written', (_, options, within) => {
    writeWav(file, samples, options);
    const { values, sampleRate } = readAll();
    expect(sampleRate).toBe(options.sampleRate ?? 8000);
    expect(values).toHaveLength(samples.length);
    values.forEach((value, i) => expect(Math.abs(value - samples[i])).toBeLessThanOrEqual(within));
  });

  it('of two channels are their mean', () => {
    writeWav(file, samples, { channels: 2 });
    const { values } = readAll();
    expect(values.map((value) => Number(value.toFixed(3)))).toEqual([0.25, -0.125, -0.005, -0.313]);
  });

  it('are read from any frame on, to any place', () => {
    writeWav(file, samples);
    const target = new Float32Array(5);
    wavSeries(file).read(3, 2, target, 1);
    expect([...target]).toEqual([0, 0.25, -1, 0, 0]);
  });

  it('of a file that was written to a pipe, or was cut short, are those that are there', () => {
    for (const told of [0, 0xffffffff]) {
      writeWav(file, samples, { told });
      expect(readAll().values).toHaveLength(8);
    }
    writeFileSync(file, wavBytes(samples).subarray(0, -5));
    expect(readAll().values).toHaveLength(5);
  });

  it('that are gone after the file was opened are told in one line', () => {
    writeWav(file, samples);
    const series = wavSeries(file);
    writeFileSync(file, wavBytes(samples).subarray(0, -4));
    expect(() => series.read(0, 8, new Float32Array(8), 0)).toThrow(`${file}: became shorter while it was read`);
  });
});

describe('files that are none', () => {
  const without = (from: number, text: string) => {
    const bytes = wavBytes(samples);
    bytes.write(text, from, 'latin1');
    return bytes;
  };
  it.each<[string, Buffer, string]>([
    ['of another kind', Buffer.from('ID3 and so on, an MP3 file'), 'not a WAV file'],
    ['empty', Buffer.alloc(0), 'not a WAV file'],
    ['above 4 GiB', without(0, 'RF64'), 'an RF64 file: split it'],
    ['without samples', wavBytes(samples).subarray(0, 36), 'a WAV file without samples'],
    ['compressed', wavBytes(samples, { tag: 17 }), 'samples of format 17 with 16 bits are not supported: convert it'],
    ['of floats of 16 bits', without(20, '\x03\0'), 'samples of format 3 with 16 bits are not supported'],
    ['of no channels', without(22, '\0\0'), 'a WAV file with a damaged header'],
  ])('%s: one line', (_, bytes, message) => {
    writeFileSync(file, bytes);
    expect(() => wavSeries(file)).toThrow(UserError);
    expect(() => wavSeries(file)).toThrow(message);
  });

  it('because there is no file: one line', () => {
    expect(() => wavSeries(join(folder, 'none.wav'))).toThrow('none.wav: no such file or folder; check the path');
  });
});
