/** Codes of sequences and what is predicted of them, as rows of samples: how contrastive predictive coding goes through in pieces. */
import type { Tensor } from '../graph/tensor.ts';
import { reshape } from '../ops/reshape.ts';
import { split } from '../ops/split.ts';
import { concat } from '../ops/strided_copy.ts';

export interface PredictedCodes {
  /** [n, T, D], n a multiple of the number of samples: those of a sample one after another. */
  readonly codes: Tensor;
  /** What `CpcHead.predict` gives: [n, T − skip − k, D] for k = 1 … K. */
  readonly predictions: readonly Tensor[];
}

/** How many codes there are, and of what. */
export interface CodeSizes {
  /** Sequences of a sample, T, and D. */
  readonly sequences: number;
  readonly steps: number;
  readonly dimensions: number;
  /** K and skip of the head. */
  readonly predictions: number;
  readonly skip: number;
}

/** All that belongs to a sample in one row: [samples, L]. */
export const asRows = ({ codes, predictions }: PredictedCodes, samples: number): Tensor =>
  concat(
    [codes, ...predictions].map((part) => reshape(part, [samples, part.size / samples])),
    1,
  );

/** The inverse. */
export function fromRows(rows: Tensor, { sequences, steps, dimensions, predictions, skip }: CodeSizes): PredictedCodes {
  const lengths = [steps, ...Array.from({ length: predictions }, (_, i) => steps - skip - (i + 1))];
  const parts = split(
    rows,
    lengths.map((length) => sequences * length * dimensions),
    1,
  );
  const [codes, ...predicted] = parts.map((part, i) =>
    reshape(part, [rows.shape[0] * sequences, lengths[i], dimensions]),
  );
  return { codes, predictions: predicted };
}
