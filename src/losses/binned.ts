/** Numbers predicted as classes: bins, to which a value belongs the more the nearer it lies (Zhang et al., 2016, §2.2). */
import { check, type Tensor } from '../graph/tensor.ts';
import { constant } from '../graph/trace.ts';
import { add } from '../ops/add.ts';
import { argmaxRows } from '../ops/argmax_rows.ts';
import { div, mul } from '../ops/binary.ts';
import { gatherRows } from '../ops/gather_rows.ts';
import { matmul } from '../ops/matmul.ts';
import { mean, sum } from '../ops/reduce.ts';
import { logSoftmax, softmax } from '../ops/softmax.ts';
import { neg } from '../ops/unary.ts';

/** What `binTargets` makes of values: which bins they are near. */
export interface BinTargets {
  /** `[P, Q]`: shares of the bins in each value. */
  readonly shares: Tensor;
  /** u32 [P]: the bin whose centre is nearest. */
  readonly nearest: Tensor;
}

/**
 * Values v [P, D] as shares of bins with centres c [Q, D]:
 *
 *   share_q ∝ exp(−|v − c_q|² / 2σ²) = exp((v · c_q − |c_q|²/2) / σ²) · exp(−|v|² / 2σ²),
 *
 * whose last factor all bins of a value have in common: a softmax of a linear function of v. Constant to whoever differentiates.
 */
export function binTargets(values: Tensor, centers: Float32Array, sigma: number): BinTargets {
  const [, dimensions] = values.shape;
  const count = centers.length / dimensions;
  check(
    values.dtype === 'f32' && Number.isInteger(count),
    'bin_targets',
    `centres are of ${dimensions} numbers`,
    values,
  );
  // Both from the middle of the bins, so that little is lost where they lie far from 0.
  const middle = middleOf(centers, dimensions);
  const offsets = centers.map((value, i) => value - middle[i % dimensions]);
  const scaled = constant(
    'centres of bins / σ²',
    offsets.map((value) => value / sigma ** 2),
    [count, dimensions],
  );
  const halves = Float32Array.from({ length: count }, (_, q) => {
    const center = offsets.subarray(q * dimensions, (q + 1) * dimensions);
    return -center.reduce((total, value) => total + value ** 2, 0) / (2 * sigma ** 2);
  });
  const shifted = add(
    values,
    constant(
      '−middle',
      middle.map((value) => -value),
      [1, dimensions],
    ),
  );
  const scores = matmul(shifted, scaled, { transposeB: true, bias: constant('−|c|²/2σ²', halves) });
  return { shares: softmax(scores), nearest: argmaxRows(scores) };
}

function middleOf(centers: Float32Array, dimensions: number): Float32Array {
  const count = centers.length / dimensions;
  return Float32Array.from({ length: dimensions }, (_, d) => {
    let total = 0;
    for (let q = 0; q < count; q++) total += centers[q * dimensions + d];
    return total / count;
  });
}

/**
 * Weights of bins by how rare they are, from their shares in all values p [Q]: w ∝ 1 / ((1 − λ) p + λ/Q) with Σ p w = 1, so that the mean
 * weight of a value is 1. λ = 1: all are 1.
 */
export function rarityWeights(shares: Tensor, uniform: number): Tensor {
  const mixed = add(mul(shares, 1 - uniform), uniform / shares.size);
  const weights = div(1, mixed);
  return div(weights, sum(mul(shares, weights)));
}

/**
 * −1/P Σ_p w_p Σ_q share_pq log softmax(logits)_pq, f32 [1], with w_p the weight of the bin nearest to value p; logits [P, Q] f32,
 * weights [Q].
 */
export const binnedEntropy = (logits: Tensor, { shares, nearest }: BinTargets, weights: Tensor): Tensor =>
  weightedMean(neg(sum(mul(shares, logSoftmax(logits)), 1)), nearest, weights);

/** The same of one distribution for all values: −1/P Σ_p w_p Σ_q share_pq log guess_q, with log guess [Q]. */
export const entropyOfGuess = ({ shares, nearest }: BinTargets, logGuess: Tensor, weights: Tensor): Tensor =>
  weightedMean(neg(sum(mul(shares, logGuess), 1)), nearest, weights);

const weightedMean = (losses: Tensor, nearest: Tensor, weights: Tensor): Tensor =>
  mean(mul(losses, gatherRows(weights, nearest)));

/**
 * One value [P, D] of the shares that logits [P, Q] give to bins: the mean of their centres [Q, D] under softmax(logits / T). T = 1 is the
 * mean, which is greyish, T → 0 the likeliest bin, which is speckled; the paper has 0.38 (its eq. 5).
 */
export const annealedMean = (logits: Tensor, centers: Tensor, temperature: number): Tensor =>
  matmul(softmax(div(logits, temperature)), centers);
