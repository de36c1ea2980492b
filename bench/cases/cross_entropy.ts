import { constant } from '../../src/graph/trace.ts';
import { crossEntropy } from '../../src/ops/cross_entropy.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { noise } from '../arrays.ts';
import type { ListItems } from '../benchmark.ts';
import { graphItem } from '../graph_implementation.ts';

/** The mean softmax cross-entropy and its gradient. Values to compare: `loss` [1], `dlogits` [rows, classes]. */
export interface CrossEntropyProblem {
  readonly rows: number;
  readonly classes: number;
  /** [rows, classes]. */
  readonly logits: Float32Array;
  /** [rows], from 0 to classes − 1. */
  readonly labels: Int32Array;
}

const list: ListItems<CrossEntropyProblem> = ({ quick }) => {
  const sizes = [[256, 10] as const, ...(quick ? [] : [[256, 1000] as const])];
  return sizes.map(([rows, classes]) =>
    graphItem<CrossEntropyProblem>({
      name: 'cross_entropy forward + backward',
      shape: `${rows}×${classes}`,
      make: () => ({
        ...{ rows, classes },
        logits: noise('logits', rows * classes, 4),
        labels: Int32Array.from({ length: rows }, (_, i) => (7 * i) % classes),
      }),
      build: (problem) => {
        const logits = constant('logits', problem.logits, [rows, classes]);
        const { loss } = crossEntropy(logits, constant('labels', problem.labels));
        const [dlogits] = gradients(loss, [logits], constant('one', Float32Array.of(1)));
        return { loss, dlogits };
      },
      tolerance: () => 1e-5,
    }),
  );
};

export default list;
