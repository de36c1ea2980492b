import { constant } from '../../src/graph/trace.ts';
import { hardNegativeNtXent } from '../../src/losses/hard_negative.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { noise } from '../arrays.ts';
import type { ListItems } from '../benchmark.ts';
import { graphItem } from '../graph_implementation.ts';

/** NT-Xent with weighted negatives, whose matrix is stored, and its gradient. Values to compare: `loss` [1], `dz` like z. */
export interface HardNegativeProblem {
  /** [2N, columns], row i beside row i + N. */
  readonly z: Float32Array;
}

const list: ListItems<HardNegativeProblem> = ({ quick }) =>
  (quick ? [32] : [32, 256]).map((pairs) => {
    const shape = [2 * pairs, 128] as const;
    return graphItem<HardNegativeProblem>({
      name: 'hard_negative forward + backward',
      shape: `N = ${pairs}, ${shape.join('×')}`,
      make: () => ({ z: noise('z', shape[0] * shape[1]) }),
      build: (problem) => {
        const z = constant('z', problem.z, shape);
        const { loss } = hardNegativeNtXent(z, { temperature: 0.5, tauPlus: 0.1, beta: 1 });
        const [dz] = gradients(loss, [z], constant('one', Float32Array.of(1)));
        return { loss, dz };
      },
      tolerance: (name) => (name === 'loss' ? 1e-5 : 1e-4),
    });
  });

export default list;
