import { constant } from '../../src/graph/trace.ts';
import { sinkhorn } from '../../src/losses/sinkhorn.ts';
import { noise } from '../arrays.ts';
import type { ListItems } from '../benchmark.ts';
import { graphItem } from '../graph_implementation.ts';

/** SwAV's codes. Value to compare: `codes` [rows, prototypes]. */
export interface SinkhornProblem {
  /** Cosines [rows, prototypes]. */
  readonly scores: Float32Array;
}

const list: ListItems<SinkhornProblem> = ({ quick }) => {
  const sizes = quick
    ? [[64, 128] as const]
    : ([[64, 128] as const, [512, 512] as const, [512, 3000] as const] as const);
  return sizes.map((shape) =>
    graphItem<SinkhornProblem>({
      name: 'sinkhorn, 3 rounds',
      shape: shape.join('×'),
      make: () => ({ scores: noise('scores', shape[0] * shape[1]) }),
      build: ({ scores }) => ({ codes: sinkhorn(constant('scores', scores, shape), { epsilon: 0.05, iterations: 3 }) }),
      tolerance: () => 1e-4,
    }),
  );
};

export default list;
