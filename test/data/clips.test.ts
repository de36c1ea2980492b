import { describe, expect, it } from 'vitest';
import { clipsOf, likenessInTime, notVideo, referenceFrames } from '../../src/data/clips.ts';
import { type ImageSet, subset } from '../../src/data/images.ts';
import { movingShapes } from '../moving_shapes.ts';
import { drawn } from '../train/drawn.ts';

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

describe('whether images are video', () => {
  const film = movingShapes(4, 6, 32);
  const photos = { ...drawn('train', 40, 32), name: 'photos' };
  /** Photographs under names of their own, in two folders. */
  const named = (name: (i: number) => string): ImageSet => ({
    ...photos,
    files: Array.from({ length: photos.count }, (_, i) => `${i % 2 === 0 ? 'cat' : 'dog'}/${name(i)}.jpg`),
  });

  it('is seen by the frames: drawn film is, whatever its folders and files are called', () => {
    expect(notVideo(film)).toBeUndefined();
    const classes = ['cat', 'dog', 'car', 'ship'];
    const files = film.files!.map((file) => `${classes[Number(/clip (\d+)/.exec(file)![1])]}/${file.at(-5)}.png`);
    expect(files.slice(0, 2)).toEqual(['cat/0.png', 'cat/1.png']);
    expect(notVideo({ ...film, files })).toBeUndefined();
  });

  it('is seen by the frames: photographs in folders by class are not, numbered or not; the line says what was found', () => {
    for (const set of [named((i) => `${i}`), named((i) => `photo ${String.fromCharCode(97 + i)}`)])
      expect(notVideo(set)?.message).toMatch(
        /^photos: does not look like video: 2 folders with 40 images are taken for clips, but .* \(median correlation -?0\.[012]\d, of video above 0\.3\)$/,
      );
  });

  it('is the median likeness of neighbours in time: 1 of frames that stand still, and of such as grow brighter', () => {
    const still = (gain: (frame: number) => number): ImageSet => ({
      ...{ name: 'still', count: 5, height: 9, width: 20, skipped: [] },
      files: Array.from({ length: 5 }, (_, i) => `${i}.png`),
      read: (i, target, offset) => {
        for (let byte = 0; byte < 540; byte++) target[offset + byte] = 10 + ((byte * 37) % 91) * gain(i);
      },
    });
    for (const set of [still(() => 1), still((i) => 1 + i / 4)])
      expect(likenessInTime(set, clipsOf(set))).toBeCloseTo(1, 2);
    const black = { ...still(() => 0), read: () => undefined };
    expect(likenessInTime(black, clipsOf(black))).toBeNaN();
    expect(notVideo(black)).toBeUndefined();
  });

  it('frames out of order are told from such in order', () => {
    const shuffled = subset(
      film,
      Uint32Array.from({ length: film.count }, (_, i) => (i * 7) % film.count),
    );
    expect(notVideo({ ...shuffled, files: film.files })).toBeDefined();
  });
});
