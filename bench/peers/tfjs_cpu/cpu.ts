import '@tensorflow/tfjs-backend-cpu';
import { UserError } from '../../../src/errors.ts';
import type { Implementation, OpenPeer } from '../../benchmark.ts';
import { type Backend, synchronous } from '../tfjs/backend.ts';

/** Plain JavaScript on one core, at 10 to 500 MFLOP/s and as many MB/s: more than these would take minutes a run. */
const most = { flops: 1e8, bytes: 1e8 };

/** The peer for a case, given what makes its implementations on any backend. UserError: it would take too long. */
export const onCpu =
  <Problem>(make: (backend: Backend, problem: Problem) => readonly Implementation[]): OpenPeer<Problem> =>
  async (_gpu, problem, { flops, bytes }) => {
    if (flops > most.flops || bytes > most.bytes) {
      const [work, limit] = [{ flops, bytes }, most].map(
        (one) => `${Math.round(one.flops / 1e6)} MFLOP and ${Math.round(one.bytes / 1e6)} MB`,
      );
      throw new UserError(`too slow for ${work} per run (limit: ${limit}); --quick uses smaller shapes`);
    }
    const backend = synchronous('cpu');
    await backend.use();
    return make(backend, problem);
  };
