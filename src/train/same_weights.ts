/** Whether processes that train together still have the same weights, bit for bit. */
import { createHash } from 'node:crypto';
import { UserError } from '../errors.ts';
import type { State } from '../graph/state.ts';
import type { Communicator } from '../mpi/communicator.ts';
import { keptEntries } from '../ssl/method.ts';
import { type TracedStep, trainedParameters } from '../ssl/step.ts';

/** SHA-256 of all weights and running statistics, and of what a learner keeps beside them. */
async function digest(state: State, { learner }: Pick<TracedStep, 'learner'>): Promise<string> {
  const { groups, encoder, kept = {} } = learner;
  const buffers = [encoder, ...groups.flatMap(({ modules }) => modules)].flatMap((module) => module.buffers);
  const entries = [...trainedParameters(learner), ...buffers, ...Object.values(kept).flatMap(keptEntries)];
  const hash = createHash('sha256');
  for (const values of (await state.readAll(entries.map(({ tensor }) => tensor))).values())
    hash.update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  return hash.digest('hex');
}

/**
 * To be called by all processes at the same step.
 * @throws UserError, the same on all: the weights of some differ from those of the first
 */
export async function checkSameWeights(
  ranks: Communicator,
  state: State,
  traced: Pick<TracedStep, 'learner'>,
  step: number,
): Promise<void> {
  const digests = await ranks.collect(await digest(state, traced));
  const others = digests.flatMap((one, rank) => (one === digests[0] ? [] : [rank]));
  if (others.length === 0) return;
  const named = `rank${others.length > 1 ? 's' : ''} ${others.slice(0, 8).join(', ')}${others.length > 8 ? ', …' : ''}`;
  throw new UserError(
    `step ${step}: the weights of ${named} are no longer those of rank 0; training stopped. Resume from the last checkpoint; if it happens again, look for a faulty device or a mixture of MPI libraries`,
  );
}
