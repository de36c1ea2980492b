import { constant } from '../../src/graph/trace.ts';
import { barlowTwins } from '../../src/losses/barlow_twins.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { noise } from '../arrays.ts';
import type { ListItems } from '../benchmark.ts';
import { graphItem } from '../graph_implementation.ts';

/** The loss of a cross-correlation and its gradients. Values to compare: `loss` [1], `dz1`, `dz2` like z. */
export interface BarlowTwinsProblem {
  /** [rows, dimensions] each. */
  readonly z1: Float32Array;
  readonly z2: Float32Array;
}

const list: ListItems<BarlowTwinsProblem> = ({ quick }) => {
  const sizes = quick ? [[64, 128] as const] : ([[64, 128] as const, [256, 2048] as const] as const);
  return sizes.map((shape) =>
    graphItem<BarlowTwinsProblem>({
      name: 'barlow_twins forward + backward',
      shape: shape.join('×'),
      make: () => ({ z1: noise('z1', shape[0] * shape[1]), z2: noise('z2', shape[0] * shape[1]) }),
      build: (problem) => {
        const [z1, z2] = [constant('z1', problem.z1, shape), constant('z2', problem.z2, shape)];
        const { loss } = barlowTwins(z1, z2, { redundancyWeight: 0.0051 });
        const [dz1, dz2] = gradients(loss, [z1, z2], constant('one', Float32Array.of(1)));
        return { loss, dz1, dz2 };
      },
      tolerance: (name) => (name === 'loss' ? 1e-5 : 1e-4),
    }),
  );
};

export default list;
