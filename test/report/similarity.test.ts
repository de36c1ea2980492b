import { PNG } from 'pngjs';
import { describe, expect, it } from 'vitest';
import { divergingColor, MISSING } from '../../src/report/colormap.ts';
import { type SimilarityOptions, similarityMatrix } from '../../src/report/similarity.ts';

function draw(matrix: Float32Array, n: number, options?: SimilarityOptions) {
  const png = PNG.sync.read(similarityMatrix(matrix, n, options));
  const at = (x: number, y: number) => [...png.data.subarray((y * png.width + x) * 4, (y * png.width + x) * 4 + 3)];
  return { width: png.width, height: png.height, at };
}

type Picture = ReturnType<typeof draw>;

/** Upper left corner of the first square of `side` pixels that all have that colour: a cell, since letters are narrower. */
function findCell({ width, height, at }: Picture, side: number, color: readonly number[]): [number, number] {
  const matches = (x: number, y: number) => at(x, y).join() === color.join();
  for (let y = 0; y < height - side; y++) {
    for (let x = 0; x < width - side; x++) {
      if (!matches(x, y)) continue;
      const square = Array.from({ length: side * side }, (_, i) => matches(x + (i % side), y + Math.floor(i / side)));
      if (square.every(Boolean)) return [x, y];
    }
  }
  throw new Error('no such cell');
}

/** All values different, none a corner's. */
const gradient = (n: number) => Float32Array.from({ length: n * n }, (_, i) => 1 - (2 * i) / (n * n - 1));

describe('similarityMatrix', () => {
  it('paints the centre of every cell of 8 pairs in the colour of its value', () => {
    const n = 16;
    const cell = 20;
    const matrix = gradient(n);
    const picture = draw(matrix, n, { cell, title: 'step 300  positives 0.93  negatives 0.02' });
    const [left, top] = findCell(picture, cell - 1, divergingColor(1));
    for (let row = 0; row < n; row++) {
      for (let column = 0; column < n; column++) {
        const x = left + column * cell + (column >= 8 ? 3 : 0) + 9;
        const y = top + row * cell + (row >= 8 ? 3 : 0) + 9;
        expect(picture.at(x, y)).toEqual([...divergingColor(matrix[row * n + column])]);
      }
    }
    expect(picture.at(left + cell - 1, top + 5)).toEqual([255, 255, 255]);
    expect(picture.at(left + 8 * cell + 1, top + 5)).toEqual([255, 255, 255]);
  });

  it('has a colour bar at the right, from 1 at the top to −1 at the bottom', () => {
    const n = 16;
    const cell = 20;
    const picture = draw(new Float32Array(n * n).fill(0.25), n, { cell });
    const [left, top] = findCell(picture, cell - 1, divergingColor(0.25));
    const size = n * cell + 3;
    const x = left + size + 16 + 2;
    expect(picture.at(x, top)).toEqual([...divergingColor(1)]);
    expect(picture.at(x, top + (size - 1) / 2)).toEqual([...divergingColor(0)]);
    expect(picture.at(x, top + size - 1)).toEqual([...divergingColor(-1)]);
    expect(picture.width).toBeGreaterThan(x + 40);
  });

  it('stretches the scale from min to max and shows NaN in grey', () => {
    const picture = draw(Float32Array.of(0, 0.5, NaN, 9), 2, { min: 0, max: 1, cell: 30 });
    const [left, top] = findCell(picture, 29, divergingColor(-1));
    expect(picture.at(left + 45, top + 10)).toEqual([...divergingColor(0)]);
    expect(picture.at(left + 10, top + 45)).toEqual([...MISSING]);
    expect(picture.at(left + 45, top + 45)).toEqual([...divergingColor(1)]);
  });

  it.each([1, 2, 3, 16, 33, 64, 512])('draws a matrix of side %i at a size to look at', (n) => {
    const { width, height } = draw(gradient(Math.max(2, n)).subarray(0, n * n), n);
    for (const side of [width, height]) {
      expect(side).toBeGreaterThan(50);
      expect(side).toBeLessThan(700);
    }
  });

  it('makes room for a title that is wider than the matrix', () => {
    const title = 'step 123456  positives 0.93  negatives 0.02';
    expect(draw(new Float32Array(4), 2, { title, cell: 8 }).width).toBeGreaterThan(title.length * 6);
  });

  it('is the same file each time', () => {
    const once = similarityMatrix(gradient(4), 4, { title: 'step 1' });
    expect(similarityMatrix(gradient(4), 4, { title: 'step 1' }).equals(once)).toBe(true);
  });

  it('refuses a matrix of another size', () => {
    expect(() => similarityMatrix(new Float32Array(5), 2)).toThrow('[similarity] 5 values are not a 2×2 matrix');
    expect(() => similarityMatrix(new Float32Array(0), 0)).toThrow(/not a 0×0 matrix/);
  });
});
