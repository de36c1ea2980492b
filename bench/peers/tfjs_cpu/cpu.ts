import '@tensorflow/tfjs-backend-cpu';
import { UserError } from '../../../src/errors.ts';
import type { Contestant, OpenPeer } from '../../contest.ts';
import { type Backend, synchronous } from '../tfjs/backend.ts';

/** Plain JavaScript on one core: more would take minutes a run. */
const mostFlops = 1e9;

/** The peer for a case, given what makes its contestants on any backend. UserError: it would take too long. */
export const onCpu =
  <Problem>(make: (backend: Backend, problem: Problem) => readonly Contestant[]): OpenPeer<Problem> =>
  async (_gpu, problem, { flops }) => {
    if (flops > mostFlops) {
      const [asked, most] = [flops, mostFlops].map((count) => (count / 1e9).toFixed(1));
      throw new UserError(`too slow for this size: ${asked} GFLOP a run, at most ${most} are tried; --quick has less`);
    }
    const backend = synchronous('cpu');
    await backend.use();
    return make(backend, problem);
  };
