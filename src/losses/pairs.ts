/** Two views of N images compared with each other: what contrastive losses without labels are made of. */
import { check, type Tensor } from '../graph/tensor.ts';
import { amax } from '../ops/amax.ts';
import { mul } from '../ops/binary.ts';
import { matmul } from '../ops/matmul.ts';
import { mean, sum } from '../ops/reduce.ts';
import { reshape } from '../ops/reshape.ts';
import { concat, slice, transpose } from '../ops/strided_copy.ts';
import { greater } from './masks.ts';

/** The two views of embeddings [2N, D]: rows i and i + N are of one image. */
export function viewsOfPairs(z: Tensor, op = 'pairs'): [first: Tensor, second: Tensor] {
  const rows = z.shape[0];
  const pairs = z.shape.length === 2 && rows >= 4 && rows % 2 === 0;
  check(pairs, op, 'the input must be a matrix of 2N rows, row i with row i + N, and N 2 or more', z);
  return [slice(z, 0, 0, rows / 2), slice(z, 0, rows / 2)];
}

/** What losses of two views of each image compute. */
export interface PairLoss {
  /** [1] */
  readonly loss: Tensor;
  /** `[1]`: the share of views whose pair is more similar than all views of other images. */
  readonly accuracy: Tensor;
  /** The embeddings with rows of length one, [2N, D]. */
  readonly unit: Tensor;
}

export interface PairSimilarities {
  /** `[2N]`: of each view with the other view of its image. */
  readonly positives: Tensor;
  /** `[2N, 2N − 2]`: of each view with the views of all other images. */
  readonly negatives: Tensor;
}

/** Inner products of the rows of z [2N, D], cosines where these have length one. */
export function pairSimilarities(z: Tensor, op?: string): PairSimilarities {
  const [a, b] = viewsOfPairs(z, op);
  const positive = sum(mul(a, b), 1);
  const across = matmul(a, b, { transposeB: true });
  const within = (x: Tensor) => offDiagonal(matmul(x, x, { transposeB: true }));
  const negatives = [
    concat([within(a), offDiagonal(across)], 1),
    concat([within(b), offDiagonal(transpose(across, 0, 1))], 1),
  ];
  return { positives: concat([positive, positive], 0), negatives: concat(negatives, 0) };
}

/** x [N, N] without its diagonal, [N, N − 1]: in row-major order the diagonal is every (N + 1)-th element. */
export function offDiagonal(x: Tensor): Tensor {
  const [n] = x.shape;
  const from = reshape(slice(reshape(x, [n * n]), 0, 0, n * n - 1), [n - 1, n + 1]);
  return reshape(slice(from, 1, 1), [n, n - 1]);
}

/** The share of views whose pair is more similar than all views of other images: f32 [1]. */
export const pairAccuracy = ({ positives, negatives }: PairSimilarities): Tensor =>
  mean(greater(positives, amax(negatives, 1)));
