/** Triplets that are chosen in a batch: by distances that are constants, so that the loss is that of the rows that were chosen. */
import { check, type Tensor } from '../graph/tensor.ts';
import { constant } from '../graph/trace.ts';
import { add } from '../ops/add.ts';
import { amax } from '../ops/amax.ts';
import { argmaxRows } from '../ops/argmax_rows.ts';
import { div, maximum, minimum, mul, sub } from '../ops/binary.ts';
import { detach } from '../ops/detach.ts';
import { gatherRows } from '../ops/gather_rows.ts';
import { l2Normalize } from '../ops/l2_normalize.ts';
import { sum } from '../ops/reduce.ts';
import { reshape } from '../ops/reshape.ts';
import { neg, sqrt } from '../ops/unary.ts';
import { squaredDistances } from './distance.ts';
import { excludedBy, greater, identity, numbered, sameAs } from './masks.ts';
import { type PairLoss, pairAccuracy, pairSimilarities } from './pairs.ts';
import { type TripletOptions, tripletTerms } from './triplet.ts';

/** The triplets that were found in a batch, and their loss. */
export interface MinedTriplets {
  /** `[1]`: the mean over the triplets that there are; 0 without any. */
  readonly loss: Tensor;
  /** u32, one for each triplet: rows of z. */
  readonly anchor: Tensor;
  readonly positive: Tensor;
  readonly negative: Tensor;
  /** f32: 1 for a triplet that there is, 0 where no row is what is looked for. */
  readonly found: Tensor;
}

/** Distances of all rows from each other, and which have one label. */
function compared(op: string, z: Tensor, labels: Tensor, { distance = 'squared' }: TripletOptions) {
  const [rows] = z.shape;
  const fit = z.shape.length === 2 && labels.shape.join() === `${rows}`;
  check(fit, op, 'the labels must be one for each row of a matrix', labels, z);
  const squares = squaredDistances(detach(z));
  const same = sameAs(labels);
  return { distances: distance === 'squared' ? squares : sqrt(maximum(squares, 1e-12)), same, other: sub(1, same) };
}

/** The mean of what those of the triplets add that there are. */
function lossOf(z: Tensor, triplets: Omit<MinedTriplets, 'loss'>, options: TripletOptions): MinedTriplets {
  const { anchor, positive, negative, found } = triplets;
  const [a, p, n] = [anchor, positive, negative].map((rows) => gatherRows(z, rows));
  const terms = mul(tripletTerms(a, p, n, options), found);
  return { ...triplets, loss: div(sum(terms), maximum(sum(found), 1)) };
}

/** The index of the largest of each row of x where `mask` has a 1. */
const argmaxWhere = (x: Tensor, mask: Tensor): Tensor => argmaxRows(sub(x, mul(sub(1, mask), excludedBy)));

/** 1 for rows of `mask` that have a 1. */
const some = (mask: Tensor): Tensor => amax(mask, 1);

/**
 * Batch-hard triplets (Hermans, Beyer & Leibe, 2017, eq. 5) of z [M, D] with labels u32 or f32 [M]: each row with the farthest of its own
 * label and the nearest of another one. Rows that have no other of their label are left out. Embeddings that have not learnt anything yet
 * tend to collapse under it, to a loss of `margin`: semi-hard triplets are the ones to begin with.
 */
export function hardTriplets(z: Tensor, labels: Tensor, options: TripletOptions): MinedTriplets {
  const { distances, same, other } = compared('hard_triplets', z, labels, options);
  const own = sub(same, identity(z.shape[0]));
  const anchor = rowNumbers(z);
  const positive = argmaxWhere(distances, own);
  const negative = argmaxWhere(neg(distances), other);
  return lossOf(z, { anchor, positive, negative, found: minimum(some(own), some(other)) }, options);
}

const rowNumbers = ({ shape: [rows] }: Tensor): Tensor =>
  constant(
    'rows',
    Uint32Array.from({ length: rows }, (_, i) => i),
  );

/** Rows that belong together: anchors and their positives. */
export interface AnchoredPairs {
  readonly anchor: Uint32Array<ArrayBuffer>;
  readonly positive: Uint32Array<ArrayBuffer>;
}

/** Every ordered pair of two different rows. */
export function allPairs(rows: number): AnchoredPairs {
  const pairs = Array.from({ length: rows * (rows - 1) }, (_, i) => {
    const [a, p] = [Math.floor(i / (rows - 1)), i % (rows - 1)];
    return [a, p < a ? p : p + 1] as const;
  });
  return { anchor: Uint32Array.from(pairs, ([a]) => a), positive: Uint32Array.from(pairs, ([, p]) => p) };
}

/**
 * Semi-hard triplets (Schroff, Kalenichenko & Philbin, 2015, §3.2) of z [M, D] with labels u32 or f32 [M]: of each pair of rows of one label the
 * nearest row n of another label with d_ap < d_an < d_ap + margin; the mean is over the pairs that have one. Matrices of pairs × M are
 * stored.
 *
 * @param pairs those that are looked at: all by default, of which M (M − 1) are compared with M rows
 */
export function semiHardTriplets(
  z: Tensor,
  labels: Tensor,
  options: TripletOptions,
  pairs: AnchoredPairs = allPairs(z.shape[0]),
): MinedTriplets {
  const { distances, same, other } = compared('semi_hard_triplets', z, labels, options);
  const [anchor, positive] = [constant('anchor', pairs.anchor), constant('positive', pairs.positive)];
  const [rows] = z.shape;
  const places = constant(
    'pairs',
    pairs.anchor.map((a, i) => a * rows + pairs.positive[i]),
  );
  const ofPairs = (matrix: Tensor) => gatherRows(reshape(matrix, [rows * rows, 1]), places);
  const [toPositive, toAll] = [ofPairs(distances), gatherRows(distances, anchor)];
  const band = mul(greater(toAll, toPositive), greater(add(toPositive, options.margin), toAll));
  const candidates = mul(band, gatherRows(other, anchor));
  const negative = argmaxWhere(neg(toAll), candidates);
  const found = mul(some(candidates), reshape(ofPairs(same), [anchor.size]));
  return lossOf(z, { anchor, positive, negative, found }, options);
}

/**
 * Triplets of two views of N images, z [2N, D] with row i and row i + N of one image, on the sphere: a view, its pair, and of the views of other
 * images the nearest (`hard`), or the nearest that is farther than the pair by less than the margin (`semi-hard`).
 */
export function tripletsOfPairs(
  z: Tensor,
  { kind, ...options }: TripletOptions & { readonly kind: 'hard' | 'semi-hard' },
): PairLoss {
  const unit = l2Normalize(z);
  const accuracy = pairAccuracy(pairSimilarities(unit, 'triplets'));
  const [rows] = z.shape;
  const images = numbered('images', rows, rows / 2);
  const anchor = Uint32Array.from({ length: rows }, (_, i) => i);
  const pairs = { anchor, positive: anchor.map((i) => (i + rows / 2) % rows) };
  const { loss } =
    kind === 'hard' ? hardTriplets(unit, images, options) : semiHardTriplets(unit, images, options, pairs);
  return { loss, accuracy, unit };
}
