/** Windows of sequences: pure functions of the time, from everywhere in a sequence. */
import { describe, expect, it } from 'vitest';
import { type SequenceSet, wholeSequences } from '../../src/data/sequences.ts';
import { seriesOf } from '../../src/data/series.ts';
import { StepFeeds, type StepTime } from '../../src/ssl/feeds.ts';
import { windowStart, windowStarts } from '../../src/ssl/windows.ts';
import { drawn } from '../train/drawn.ts';

/** Frame t of sequence i is (100 i + t, −t). */
const set: SequenceSet = wholeSequences(
  { name: 'counts', skipped: [] },
  Array.from({ length: 5 }, (_, i) => ({
    file: `${i}.npy`,
    series: seriesOf(
      Float32Array.from({ length: 80 }, (_, k) => (k % 2 === 0 ? 100 * i + k / 2 : -(k - 1) / 2)),
      2,
    ),
  })),
);

const time = (epoch: number, seed = 1): StepTime => ({
  ...{ seed, epoch, step: 1, steps: 9, perEpoch: 3, first: 0 },
  indices: Uint32Array.of(3, 0, 4),
});

function windowsAt(at: StepTime): Float32Array {
  const feeds = StepFeeds.of(set, 3);
  const tensor = feeds.windows('sound', 16);
  expect([tensor.shape, tensor.dtype]).toEqual([[3, 16, 2], 'f32']);
  return feeds.values(at)['sound'] as Float32Array;
}

describe('feeds.windows', () => {
  it('has frames of the sequences of the batch, one after another, with all channels', () => {
    const values = windowsAt(time(0));
    [3, 0, 4].forEach((sequence, row) => {
      const first = values[row * 32] - 100 * sequence;
      for (let t = 0; t < 16; t++) {
        expect(values[row * 32 + 2 * t]).toBe(100 * sequence + first + t);
        expect(values[row * 32 + 2 * t + 1]).toBe(-first - t);
      }
    });
  });

  it('is the same at the same time, and another in other epochs and with other seeds', () => {
    expect(windowsAt(time(1))).toEqual(windowsAt(time(1)));
    expect(windowsAt({ ...time(1), step: 5 })).toEqual(windowsAt(time(1)));
    expect(windowsAt(time(2))).not.toEqual(windowsAt(time(1)));
    expect(windowsAt(time(1, 2))).not.toEqual(windowsAt(time(1)));
  });

  it('of a set of images is told as a mistake of the method', () => {
    expect(() => StepFeeds.of(drawn('train', 2, 16), 2).windows('sound', 16)).toThrow(
      "feed 'sound': windows are of sequences, which the data are not",
    );
  });
});

it('a window begins at every place where it fits, each about as often', () => {
  const seen = new Array<number>(5).fill(0);
  for (let epoch = 0; epoch < 1000; epoch++) seen[windowStart(20, 16, [1, epoch, 0])]++;
  for (const times of seen) expect(Math.abs(times - 200)).toBeLessThan(60);
  expect(windowStart(16, 16, [1, 0, 0])).toBe(0);
});

it.each([
  [16, 16, [0]],
  [17, 16, [0, 1]],
  [40, 16, [0, 12, 24]],
  [1000, 16, [0, 140, 281, 421, 562, 702, 843, 984]],
] as const)('of %d frames, windows of %d to measure begin at %o', (length, window, starts) => {
  expect(windowStarts(length, window, 8)).toEqual(starts);
});
