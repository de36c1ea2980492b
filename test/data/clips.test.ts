import { describe, expect, it } from 'vitest';
import { clipsOf, referenceFrames } from '../../src/data/clips.ts';

const clips = (files: readonly string[] | undefined, count = files?.length ?? 3) =>
  clipsOf({ name: 'photos', count, ...(files && { files }) });

describe('clips of a set of images', () => {
  it('are its folders, their frames in the natural order of names', () => {
    expect(clips(['b/frame 10.png', 'a/x/1.png', 'b/frame 2.png', 'a/x/0.png', 'b/frame 1.png'])).toEqual([
      { name: 'b', frames: [4, 2, 0] },
      { name: 'a/x', frames: [3, 1] },
    ]);
  });

  it('are one where the frames lie in the folder itself', () => {
    expect(clips(['10.png', '9.png', '11.png'])).toEqual([{ name: '.', frames: [1, 0, 2] }]);
  });

  it('are refused in one line where images have no files, or every folder has one image', () => {
    const remedy = 'give a folder of frames, or a folder of folders of frames, one for each clip';
    expect(() => clips(undefined)).toThrow(`photos: needs clips, and these images are in no order; ${remedy}`);
    expect(() => clips(['a/1.png', 'b/1.png'])).toThrow(
      `photos: needs clips, and every folder in it has one image; ${remedy}`,
    );
  });
});

describe('frames that a frame is copied from', () => {
  const tables = (frames: readonly number[], references: number, step?: number) => {
    const found = referenceFrames([{ name: 'a', frames }], frames.length, references, step);
    return frames.map((frame) => found.map((table) => table[frame]));
  };

  it('are those before it, the nearest first; at the beginning of a clip those behind it', () => {
    expect(tables([0, 1, 2, 3], 2)).toEqual([
      [1, 2],
      [0, 2],
      [1, 0],
      [2, 1],
    ]);
  });

  it('are images of the set, whatever their order in it', () => {
    expect(tables([2, 0, 1], 1)).toEqual([[0], [2], [0]]);
  });

  it('lie a step apart; a clip that is too short for that has its neighbours', () => {
    expect(tables([0, 1, 2, 3, 4], 2, 2)).toEqual([
      [2, 4],
      [3, 3],
      [0, 4],
      [1, 1],
      [2, 0],
    ]);
    expect(tables([0, 1], 2, 5)).toEqual([
      [1, 1],
      [0, 0],
    ]);
  });

  it('are never the frame itself, but in a clip of one', () => {
    for (const length of [2, 3, 7])
      for (const step of [1, 2, 9])
        tables(
          Array.from({ length }, (_, i) => i),
          3,
          step,
        ).forEach((others, frame) => expect(others).not.toContain(frame));
    expect(tables([0], 2)).toEqual([[0, 0]]);
  });
});
