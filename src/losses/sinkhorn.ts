import { check, type Tensor } from '../graph/tensor.ts';
import { div } from '../ops/binary.ts';
import { detach } from '../ops/detach.ts';
import { logSoftmax, softmax } from '../ops/softmax.ts';
import { transpose } from '../ops/strided_copy.ts';

/** Constants of `sinkhorn`. */
export interface SinkhornOptions {
  /** ε: the smaller, the nearer codes are to one prototype each. A number, or f32 [1] where a schedule feeds it. */
  readonly epsilon: number | Tensor;
  /** Rounds of columns and rows. */
  readonly iterations: number;
}

/**
 * Codes of samples: soft assignments to prototypes that all prototypes have an equal share of (Caron et al., 2020, eq. 3 to 5; Cuturi,
 * 2013). From scores S [B, K] to Q [B, K], f32, which is constant to whoever differentiates:
 *
 *   Q = exp(S/ε);   in each round: columns (prototypes) to sum 1/K, then rows (samples) to sum 1/B;   at last rows to sum 1
 *
 * All of it in logarithms, where a column or row to sum 1 is a log-softmax of it: exp(1/ε) overflows f32 below ε = 1/88 and f16 at the
 * usual 0.05, and with the largest score taken off, a column can underflow as a whole and become 0/0. Factors of 1/K and 1/B are left
 * out, as rows come last.
 */
export const sinkhorn = (scores: Tensor, options: SinkhornOptions): Tensor => softmax(balanced(scores, options));

/** Their logarithms. */
export const logSinkhorn = (scores: Tensor, options: SinkhornOptions): Tensor => logSoftmax(balanced(scores, options));

/** log Q up to a number for each row. */
function balanced(scores: Tensor, { epsilon, iterations }: SinkhornOptions): Tensor {
  check(scores.shape.length === 2 && scores.dtype === 'f32', 'sinkhorn', 'the scores must be a f32 matrix', scores);
  const isPositive = typeof epsilon !== 'number' || epsilon > 0;
  check(isPositive && iterations >= 1, 'sinkhorn', 'epsilon must be above 0, and iterations 1 or more', scores);
  const equalColumns = (logQ: Tensor) => transpose(logSoftmax(transpose(logQ, 0, 1)), 0, 1);
  let logQ = equalColumns(div(detach(scores), epsilon));
  for (let round = 1; round < iterations; round++) logQ = equalColumns(logSoftmax(logQ));
  return logQ;
}
