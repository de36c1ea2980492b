/** Sequences from folders of WAV files and arrays: which windows they have, what is held out, and what is said of other files. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openSequences } from '../../src/data/open_sequences.ts';
import { stretchesOf } from '../../src/data/sequences.ts';
import { seriesOf } from '../../src/data/series.ts';
import { UserError } from '../../src/errors.ts';
import { encodeNpy, npyPieces } from '../../src/io/npy.ts';
import { scratchFolder } from '../cli/run.ts';
import { tone, type Wave, waves, writeWav } from './wav_files.ts';

const root = scratchFolder();
let folders = 0;
/** A new folder of the given files. */
function folderOf(files: Readonly<Record<string, Uint8Array | Float32Array>>): string {
  const folder = join(root, String(++folders));
  mkdirSync(folder);
  for (const [name, content] of Object.entries(files)) {
    if (content instanceof Float32Array) writeWav(join(folder, name), content);
    else writeFileSync(join(folder, name), content);
  }
  return folder;
}

const counting = (length: number, channels = 1) =>
  seriesOf(
    Float32Array.from({ length: length * channels }, (_, i) => i),
    channels,
  );

describe('stretches', () => {
  it.each([
    [100, 100],
    [100, 30],
    [1000, 7],
    [65, 32],
  ])('of %d frames for windows of %d have each window once', (length, window) => {
    const set = stretchesOf({ name: '', skipped: [] }, [{ file: 'a', series: counting(length) }], window);
    expect(set.count).toBe(Math.floor(length / window));
    const starts = Array.from({ length: set.count }, (_, i) =>
      Array.from({ length: set.length(i) - window + 1 }, (_, first) => {
        const frames = new Float32Array(window);
        set.read(i, first, window, frames, 0);
        expect(frames[window - 1]).toBe(frames[0] + window - 1);
        return frames[0];
      }),
    );
    expect(starts.flat()).toEqual(Array.from({ length: length - window + 1 }, (_, i) => i));
    const lengths = starts.map((own) => own.length);
    expect(Math.max(...lengths) - Math.min(...lengths)).toBeLessThanOrEqual(1);
  });

  it('of channels have whole frames, and none beyond their end', () => {
    const set = stretchesOf({ name: '', skipped: [] }, [{ file: 'a', series: counting(10, 3) }], 4);
    const target = new Float32Array(7);
    set.read(1, 0, 2, target, 1);
    expect([...target]).toEqual([0, 9, 10, 11, 12, 13, 14]);
    expect(() => set.read(1, 0, 99, target, 0)).toThrow('frames 0 to 99 of');
  });
});

describe('a folder', () => {
  const classes = Object.fromEntries(
    (Object.keys(waves) as Wave[]).flatMap((wave) =>
      Array.from({ length: 5 }, (_, i) => [`${wave}/${i}.wav`, tone(wave, 100, i)]),
    ),
  );

  it('of class folders has labels, every fifth file held out, and nothing of it among what is trained on', async () => {
    const folder = folderOf(classes);
    const { train, probe, description, files } = await openSequences(folder, { window: 30 });
    expect([train.count, train.channels, train.sampleRate]).toEqual([12 * 3, 1, 8000]);
    expect([probe!.train.count, probe!.test.count]).toEqual([12, 3]);
    expect(probe!.test.classNames).toEqual(['sawtooth', 'sine', 'square']);
    expect([...probe!.test.labels!]).toEqual([0, 1, 2]);
    const held = new Set(probe!.test.files);
    expect(train.files!.some((file) => held.has(file))).toBe(false);
    expect(files).toHaveLength(15);
    expect(description).toContain('15 files of 1 channel at 8,000 Hz');
    expect(description).toContain('36 sequences for windows of 30 frames (0.0037 s) to pre-train on');
    expect(description).toContain('12 train / 3 test files in 3 classes (every 5th file of a class held out');
  });

  it('without labels that are asked for has all files to train on; whole ones are one sequence each', async () => {
    const folder = folderOf(classes);
    const { train, probe } = await openSequences(folder, { window: 30, probe: false });
    expect([train.count, train.labels, probe]).toEqual([15 * 3, undefined, undefined]);
    const { train: whole } = await openSequences(folder, { window: 30, probe: false, whole: true });
    expect([whole.count, whole.length(0), whole.files![0]]).toEqual([15, 100, 'sawtooth/0.wav']);
  });

  it('leaves out what cannot be read, is too short or is excluded, and says so', async () => {
    const folder = folderOf({
      'long.wav': tone('sine', 100, 1),
      'short.wav': tone('sine', 10, 1),
      'other.wav': tone('sine', 100, 2),
      'broken.wav': Buffer.from('no sound'),
      'song.mp3': Buffer.from('ID3'),
      'notes.txt': Buffer.from('neither'),
    });
    const { train, unusedExcludes, leftOut } = await openSequences(folder, { window: 50, exclude: ['other*', 'x*'] });
    expect(train.files).toEqual(['long.wav', 'long.wav']);
    expect(train.skipped).toEqual([
      { file: 'song.mp3', reason: '.mp3 files are not supported: convert to WAV, or arrays to .npy' },
      { file: 'broken.wav', reason: 'not a WAV file' },
      { file: 'short.wav', reason: 'has 10 frames, fewer than --window 50' },
    ]);
    expect(leftOut).toEqual([{ path: 'other.wav', why: 'excluded' }]);
    expect(unusedExcludes).toEqual(['x*']);
  });

  it('of arrays has their columns as channels', async () => {
    const values = Float64Array.from({ length: 60 }, (_, i) => i / 4);
    const folder = folderOf({ 'a.npy': encodeNpy(values, [20, 3]), 'b.npy': encodeNpy(values, [20, 3]) });
    const { train } = await openSequences(folder, { window: 10 });
    expect([train.count, train.channels, train.sampleRate]).toEqual([4, 3, undefined]);
    const frame = new Float32Array(3);
    train.read(0, 1, 1, frame, 0);
    expect([...frame]).toEqual([0.75, 1, 1.25]);
  });
});

it('one file alone is cut, also where files are wanted whole', async () => {
  const folder = folderOf({ 'series.npy': encodeNpy(new Int16Array(100), [100]) });
  for (const whole of [false, true]) {
    const { train, probe } = await openSequences(join(folder, 'series.npy'), { window: 10, whole });
    expect([train.count, train.channels, probe]).toEqual([10, 1, undefined]);
  }
});

describe('what is no set of sequences is refused in one line', () => {
  const nan = encodeNpy(Float32Array.of(1, 2, Number.NaN, 4), [2, 2]);
  it.each<[string, Readonly<Record<string, Uint8Array | Float32Array>>, string]>([
    ['nothing', {}, 'no sequences here or in its subfolders (looked for WAV, or NumPy arrays'],
    ['photos', { 'a.png': Buffer.from('x') }, 'no sequences here or in its subfolders'],
    [
      'one file that is too short',
      { 'a.wav': tone('sine', 9, 1) },
      'the only file is no sequence of 10 frames or more',
    ],
    [
      'NaN',
      { 'a.npy': nan, 'b.npy': nan },
      'none of the 2 files is a sequence of 10 frames or more; a.npy: frame 1 is NaN',
    ],
    [
      'a cube',
      { 'a.npy': Buffer.concat(npyPieces(new Float32Array(8), [2, 2, 2])) },
      'an array of shape (2, 2, 2): give',
    ],
  ])('%s', async (_, files, message) => {
    const opened = openSequences(folderOf(files), { window: 10 });
    await expect(opened).rejects.toThrow(UserError);
    await expect(opened).rejects.toThrow(message);
  });

  it('files of different rates, or of different channels', async () => {
    const rates = folderOf({ 'a.wav': tone('sine', 20, 1) });
    writeWav(join(rates, 'b.wav'), tone('sine', 20, 1), { sampleRate: 44100 });
    await expect(openSequences(rates, { window: 10 })).rejects.toThrow(
      `${rates}: 'a.wav' has 1 channel at 8000 Hz, 'b.wav' has 1 channel at 44100 Hz; convert all to one kind`,
    );
    const channels = folderOf({
      'a.npy': encodeNpy(new Float32Array(20), [20]),
      'b.npy': encodeNpy(new Float32Array(40), [20, 2]),
    });
    await expect(openSequences(channels, { window: 10 })).rejects.toThrow(
      "'a.npy' has 1 channel, 'b.npy' has 2 channels; convert all to one kind",
    );
  });

  it('a path that is not there, or of another kind', async () => {
    await expect(openSequences(join(root, 'none'), { window: 10 })).rejects.toThrow('none: no such file or folder');
    const folder = folderOf({ 'a.txt': Buffer.from('x') });
    await expect(openSequences(join(folder, 'a.txt'), { window: 10 })).rejects.toThrow(
      'a.txt: no sequences; give a folder of them, or one file: WAV, or NumPy arrays',
    );
  });
});
