import { constant } from '../../src/graph/trace.ts';
import { uniform } from '../../src/nn/init.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { ntXent } from '../../src/ops/nt_xent.ts';
import type { OpenCase } from '../contest.ts';
import { GraphContestant } from '../graph_contestant.ts';

/** The loss of N pairs of embeddings and its gradient. */
export interface NtXentProblem {
  /** [2N, 128]. */
  readonly z: Float32Array;
  readonly shape: readonly [number, number];
  readonly temperature: number;
}

const open: OpenCase<NtXentProblem> = async (gpu, { pairs }) => {
  const shape = [2 * pairs, 128] as const;
  const problem = { z: uniform(1, 'z', shape[0] * shape[1], 1), shape, temperature: 0.5 };
  const ours = await GraphContestant.open(gpu, () => {
    const z = constant('z', problem.z, shape);
    const { loss } = ntXent(z, problem);
    const [dz] = gradients(loss, [z]);
    return { loss, dz };
  });
  const tolerance = (name: string) => (name === 'loss' ? 1e-5 : 1e-4);
  return { shape: shape.join('×'), problem, ours, flops: ours.flops, tolerance };
};

export default open;
