/** What "Continue" does with a training that was stopped, has ended, or whose device was lost. */
import type { Ready } from '../protocol.ts';
import { counted, whole } from './format.ts';
import type { TrainingState } from './state.ts';

const epochsOf = ({ settings, epochs }: Ready): number => Number(settings['epochs'] ?? epochs);

/**
 * The epochs to which a training is made longer; undefined: it goes on to the end that it has.
 *
 * @param entered what the form has: where that is not more, a training at its end gets as many epochs again
 */
export function goalOf(training: TrainingState | undefined, entered: string): number | undefined {
  const { ready, finished } = training ?? {};
  if (!ready || !finished) return undefined;
  const [epochs, wanted] = [epochsOf(ready), Number(entered)];
  if (Number.isInteger(wanted) && wanted > epochs) return wanted;
  return finished.interrupted ? undefined : 2 * epochs;
}

/** `Continue`, and from where or how far where that is not as it was. */
export function proceedLabel(training: TrainingState | undefined, goal: number | undefined): string {
  if (goal !== undefined) return `Continue to ${counted(goal, 'epoch')}`;
  const { step, finished } = training ?? {};
  const isBehind = step !== undefined && finished !== undefined && finished.step < step.step;
  return isBehind ? `Continue from step ${whole(finished.step)}` : 'Continue';
}

/** What becomes of the learning rate: as of `simclr train --resume … --epochs`. */
export function rateNote(ready: Ready | undefined, goal: number | undefined): string {
  if (!ready || goal === undefined) return '';
  const longer = `${counted(goal, 'epoch')} in place of ${whole(epochsOf(ready))}`;
  if (ready.settings['schedule'] === 'constant') return `${longer}: the learning rate stays as it is.`;
  return `${longer}: the learning rate, which falls to the end, goes on where a training of ${whole(goal)} has it.`;
}
