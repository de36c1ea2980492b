/** What an epoch of several processes spent on each other. */
import type { RankExchange } from '../ssl/rank_exchange.ts';

export interface Communication {
  /** Share of the time of rank 0's steps that it was in collectives: sending, or waiting for others. */
  readonly share: number;
  /** What a process gives to collectives in a step. */
  readonly bytesPerStep: number;
  /** The process that all others wait for, where that costs them a good part of their time. */
  readonly slowest?: number;
}

/** A process is named where another waits for so much of its time longer than it does. */
const straggling = 0.2;

/**
 * Sums up since the costs were reset. To be called by all processes at the same step.
 * @param timed steps, and the seconds that they took
 */
export async function communicationOf(
  { ranks, cost }: Pick<RankExchange, 'ranks' | 'cost'>,
  { steps, seconds }: { readonly steps: number; readonly seconds: number },
): Promise<Communication> {
  const all = await ranks.gather(Float32Array.of(cost.exposed / seconds));
  const slowest = all.indexOf(Math.min(...all));
  return {
    share: all[0],
    bytesPerStep: cost.bytes / steps,
    ...(Math.max(...all) - all[slowest] > straggling && { slowest }),
  };
}
