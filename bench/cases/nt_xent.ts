import { constant } from '../../src/graph/trace.ts';
import { ntXent } from '../../src/losses/nt_xent.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { noise } from '../arrays.ts';
import type { Item, ListItems } from '../benchmark.ts';
import { graphItem } from '../graph_implementation.ts';
import { simclrSettings } from '../simclr.ts';

/** The loss of N pairs of embeddings and its gradient. Values to compare: `loss` [1], `dz` like z. */
export interface NtXentProblem {
  /** [2N, embeddingDim], row i beside row i + N. */
  readonly z: Float32Array;
  readonly shape: readonly [number, number];
  readonly temperature: number;
}

/** The case for N pairs. */
export const ntXentItem = (pairs: number): Item<NtXentProblem> => {
  const shape = [2 * pairs, simclrSettings().embeddingDim] as const;
  return graphItem<NtXentProblem>({
    name: 'nt_xent forward + backward',
    shape: `N = ${pairs}, ${shape.join('×')}`,
    make: () => ({ z: noise('z', shape[0] * shape[1]), shape, temperature: 0.5 }),
    build: (problem) => {
      const z = constant('z', problem.z, shape);
      const { loss } = ntXent(z, problem);
      const [dz] = gradients(loss, [z], constant('one', Float32Array.of(1)));
      return { loss, dz };
    },
    tolerance: (name) => (name === 'loss' ? 1e-5 : 1e-4),
  });
};

const list: ListItems<NtXentProblem> = ({ pairs, quick }) => {
  const counts = quick ? [pairs, 64] : [pairs, 64, 256, 1024];
  return [...new Set(counts)].map(ntXentItem);
};

export default list;
