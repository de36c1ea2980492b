/** Colours of a set of images as a few classes: a and b of CIE Lab, and the nearest of some centres. */
import { type ImageSet, imageBytes } from '../data/images.ts';
import { labOf } from '../data/lab.ts';
import { UserError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { constant } from '../graph/trace.ts';
import type { Colours } from '../nn/encoder_shape.ts';
import { argmaxRows } from '../ops/argmax_rows.ts';
import { mul, sub } from '../ops/binary.ts';
import { gatherRows } from '../ops/gather_rows.ts';
import { matmul } from '../ops/matmul.ts';
import { patchify } from '../ops/rearrange.ts';
import { mean, sum } from '../ops/reduce.ts';
import { reshape } from '../ops/reshape.ts';
import { plainLab, rgbToLab } from '../ops/rgb_to_lab.ts';
import { slice } from '../ops/strided_copy.ts';
import { square } from '../ops/unary.ts';
import { random } from './rng.ts';

/** From how many images, and from how many pixels of each. */
const sampled = { images: 256, pixels: 64 };
/** Apart from other uses of a seed. */
const stream = 0x6162;
/** Where no pixel is farther from grey than this, in units of Lab, there are no colours to be learnt. */
const greyest = 2;

/**
 * Colours (a, b) of pixels drawn from a set: [n, 2].
 * @throws UserError they are all grey
 */
export function sampleAb(images: ImageSet, seed: number): Float32Array {
  const drawn = random(seed, stream);
  const many = Math.min(images.count, sampled.images);
  const image = new Uint8Array(imageBytes(images));
  const ab = new Float32Array(2 * many * sampled.pixels);
  for (let i = 0; i < many; i++) {
    images.read(Math.floor(((i + drawn.uniform()) * images.count) / many), image, 0);
    for (let k = 0; k < sampled.pixels; k++) {
      const at = 3 * drawn.below(image.length / 3);
      const [, a, b] = labOf([image[at] / 255, image[at + 1] / 255, image[at + 2] / 255]);
      ab.set([a, b], 2 * (i * sampled.pixels + k));
    }
  }
  if (ab.some((value) => Math.abs(value) > greyest)) return ab;
  throw new UserError(`${images.name}: its images are grey, so there are no colours to learn from; give others`);
}

/** Rows of a single 1 each: the identity [count, count]. */
export const oneOf = (count: number): Tensor =>
  constant(
    `one of ${count}`,
    new Float32Array(count * count).map((_, i) => Number(i % (count + 1) === 0)),
    [count, count],
  );

/** Classes of colours ab [N, P, 2]: of each the nearest of the centres [K, 2], as rows of a single 1, [N, P, K]. */
export function nearestColours(ab: Tensor, centres: Tensor): Tensor {
  const [n, places] = ab.shape;
  const [count] = centres.shape;
  // The nearest has the least |x − c|² = |x|² − 2 (x·c − |c|²/2).
  const half = reshape(mul(sum(square(centres), 1), 0.5), [1, count]);
  const score = sub(matmul(reshape(ab, [n * places, 2]), centres, { transposeB: true }), half);
  return reshape(gatherRows(oneOf(count), argmaxRows(score)), [n, places, count]);
}

/** Mean (a, b) of squares of `stride` pixels of views [N, S, S, 4]: [N, places, 2], the places row by row. */
export function abOfPlaces(views: Tensor, colours: Colours, stride: number): Tensor {
  const channels = plainLab.slice(1);
  const squares = patchify(rgbToLab(views, { ...colours, channels }), stride);
  const [n, places] = squares.shape;
  return slice(mean(reshape(squares, [n, places, stride * stride, 4]), 2), 2, 0, 2);
}
