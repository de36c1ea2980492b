import { type ImageSet, imageBytes } from '../data/images.ts';
import { type Lab, labOf } from '../data/lab.ts';
import type { Bins } from './lab_bins.ts';

/** Images that are looked at: the shares of some hundred bins are known well then. */
const mostImages = 1000;
/** Share of the uniform distribution, which leaves no bin without. */
const floor = 1e-3;

/**
 * How often each bin of a quantity occurs in images: shares [count] that add up to 1. Colours are means over squares of about the size of
 * a predicted pixel; counts are spread over bins near by the Gaussian by which targets are made.
 *
 * @param side pixels of a predicted map along each side
 */
export function labPriors(
  images: ImageSet,
  side: number,
  quantities: readonly { readonly bins: Bins; readonly value: (lab: Lab) => readonly number[] }[],
): Float32Array[] {
  const counts = quantities.map(({ bins }) => new Float64Array(bins.count));
  for (const lab of someColours(images, side))
    quantities.forEach(({ bins, value }, k) => {
      counts[k][nearestBin(bins, value(lab))]++;
    });
  return quantities.map(({ bins }, k) => spread(bins, counts[k]));
}

/** Lab of the squares of images evenly spaced over the set. */
function* someColours(images: ImageSet, side: number): Generator<Lab> {
  const { count, height, width } = images;
  const shown = Math.min(count, mostImages);
  const square = Math.max(1, Math.round(Math.min(height, width) / side));
  const bytes = new Uint8Array(imageBytes(images));
  for (let i = 0; i < shown; i++) {
    images.read(Math.floor((i * count) / shown), bytes, 0);
    for (let top = 0; top + square <= height; top += square)
      for (let left = 0; left + square <= width; left += square) yield labOf(meanOf(bytes, width, top, left, square));
  }
}

/** Mean colour of a square, in 0 … 1. */
function meanOf(bytes: Uint8Array, width: number, top: number, left: number, side: number): [number, number, number] {
  const sum: [number, number, number] = [0, 0, 0];
  for (let y = top; y < top + side; y++)
    for (let x = left; x < left + side; x++) for (let c = 0; c < 3; c++) sum[c] += bytes[(y * width + x) * 3 + c];
  const scale = 1 / (255 * side * side);
  return [sum[0] * scale, sum[1] * scale, sum[2] * scale];
}

const squaredDistance = ({ dimensions, centers }: Bins, bin: number, value: ArrayLike<number>): number => {
  let sum = 0;
  for (let d = 0; d < dimensions; d++) sum += (centers[bin * dimensions + d] - value[d]) ** 2;
  return sum;
};

function nearestBin(bins: Bins, value: readonly number[]): number {
  let [best, least] = [0, Number.POSITIVE_INFINITY];
  for (let bin = 0; bin < bins.count; bin++) {
    const distance = squaredDistance(bins, bin, value);
    if (distance < least) [best, least] = [bin, distance];
  }
  return best;
}

/** Each count shared out as a value at the bin's centre would be, and the whole as shares. */
function spread(bins: Bins, counts: Float64Array): Float32Array {
  const { count, dimensions, centers, sigma } = bins;
  const total = counts.reduce((sum, value) => sum + value, 0);
  const shares = new Float32Array(count).fill(floor / count);
  counts.forEach((seen, from) => {
    if (seen === 0) return;
    const center = centers.subarray(from * dimensions, (from + 1) * dimensions);
    const weights = Float64Array.from({ length: count }, (_, bin) =>
      Math.exp(-squaredDistance(bins, bin, center) / (2 * sigma ** 2)),
    );
    const all = weights.reduce((sum, value) => sum + value, 0);
    weights.forEach((weight, bin) => {
      shares[bin] += ((1 - floor) * (seen / total) * weight) / all;
    });
  });
  return shares;
}
