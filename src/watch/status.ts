/** How a run is, told from what its folder holds: a run does not write down that it was killed. */
import type { EndMarks } from './run_files.ts';
import type { Status } from './wire.ts';

/** A run on another machine counts as silent when it has written nothing for so many milliseconds. */
const patience = 5 * 60_000;

export interface StatusFacts extends EndMarks {
  /** The last step that was logged, and how many there are to be; null: not known. */
  readonly step: number;
  readonly steps: number | null;
  readonly lines: number;
  /** When the last line was written, in milliseconds since 1970. */
  readonly lastLine: number;
  readonly now: number;
}

/**
 * A run that is asked to stop finishes its step and saves it, so its newest checkpoint is of the last step in the log. One that met a
 * fault, such as values that are not finite, has logged steps behind its checkpoint; one that was killed has left its lock.
 */
export function statusOf(facts: StatusFacts): Status {
  const { holder, declared, checkpointStep, savedLast, step, steps, lines, lastLine, now } = facts;
  if (holder === 'here') return 'running';
  if (holder === 'elsewhere') return now - lastLine < patience ? 'running' : 'silent';
  const saved = checkpointStep !== null && checkpointStep >= step;
  if (declared || (saved && steps !== null && step >= steps)) return 'finished';
  if (holder === 'gone') return 'failed';
  if (lines === 0) return 'new';
  return saved || savedLast ? 'interrupted' : 'failed';
}
