/** What a process does of its own when a launcher has started several, before they have met: of what all would print, the first prints it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { CommanderError } from 'commander';
import { UserError } from '../errors.ts';
import { launchOf } from '../mpi/launch.ts';

/** Milliseconds for which others leave the word to rank 0, who tells what all of them have met and then ends them. */
export const precedence = 500;
/** The same where they will say nothing themselves: a launcher ends all when one ends, and rank 0 may have started later. */
const patience = 5000;

/** Whether this process is the first, or runs alone. Where nobody knows which is the first, each is. */
export function isFirst(): boolean {
  try {
    return (launchOf()?.rank ?? 0) === 0;
  } catch {
    return true;
  }
}

/** Waits where this is not the first of several processes: what all of them have met is to be told once. */
export async function leaveWordToFirst(error: unknown): Promise<void> {
  if (isFirst()) return;
  const isSilent = error instanceof CommanderError;
  if (!isSilent || error.exitCode !== 0) await sleep(isSilent ? patience : precedence);
}

/**
 * To be called by what only one process can do.
 * @throws UserError (usage) a launcher has started several; CommanderError, which is not told, in all but the first
 */
export function refuseSeveral(what: string): void {
  const launch = launchOf();
  if (!launch) return;
  const { launcher, size = 'several' } = launch;
  const message = `${what} runs in one process, and ${launcher} has started ${size}; start it without`;
  throw launch.rank === 0 ? new UserError(message, 2) : new CommanderError(2, 'simclr.ranks', message);
}
