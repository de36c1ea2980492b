/** Alignment and uniformity of features (Wang & Isola, 2020, arXiv 2005.10242): what can be measured without labels. */
import { pause } from './pause.ts';

/**
 * Mean squared distance of the two views of an image, of rows at length one: E ‖f(x) − f(y)‖², 0 where they are equal, 2 where they have
 * nothing to do with each other.
 *
 * @param a and b [rows, dimensions] at length one; row i of both is of one image
 */
export function alignment(a: Float32Array, b: Float32Array, dimensions: number): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] - b[i]) ** 2;
  return (sum * dimensions) / a.length;
}

/**
 * log E exp(−2 ‖f(x) − f(y)‖²) over pairs of different rows at length one: 0 where all are equal, lower the more evenly they cover the
 * sphere (−4 where any two are at right angles). When the signal is aborted, its reason is thrown.
 */
export async function uniformity(x: Float32Array, dimensions: number, signal?: AbortSignal): Promise<number> {
  const rows = x.length / dimensions;
  let sum = 0;
  for (let i = 1; i < rows; i++) {
    for (let j = 0; j < i; j++) sum += Math.exp(-2 * squaredDistance(x, i * dimensions, j * dimensions, dimensions));
    if (i % 64 === 0) await pause(signal);
  }
  return Math.log(sum / ((rows * (rows - 1)) / 2));
}

function squaredDistance(x: Float32Array, a: number, b: number, dimensions: number): number {
  let sum = 0;
  for (let d = 0; d < dimensions; d++) sum += (x[a + d] - x[b + d]) ** 2;
  return sum;
}

/**
 * Spread of rows at length one: the standard deviation of each dimension, averaged over the dimensions, times √dimensions (Chen & He,
 * 2021). 1 where they point everywhere, 0 where all are equal.
 */
export function spread(x: Float32Array, dimensions: number): number {
  const rows = x.length / dimensions;
  let sum = 0;
  for (let d = 0; d < dimensions; d++) {
    let [mean, square] = [0, 0];
    for (let row = 0; row < rows; row++) mean += x[row * dimensions + d] / rows;
    for (let row = 0; row < rows; row++) square += (x[row * dimensions + d] - mean) ** 2 / rows;
    sum += Math.sqrt(square);
  }
  return sum / Math.sqrt(dimensions);
}
