/** What goes wrong in the worker, as the page tells it. */
import { messageOf, UserError } from '../errors.ts';
import { DeviceLost, NoAdapter, OutOfMemory, oneLine } from '../gpu/faults.ts';
import type { RequestType, WorkerError } from './protocol.ts';

const remedies = {
  memory: 'the GPU has not enough memory for this; choose a smaller batch size, image size or width',
  lost: 'what was learnt and not saved is gone; try again, with a smaller batch size if it happens once more',
} as const;

const kindOf = (error: unknown): WorkerError['kind'] => {
  if (error instanceof NoAdapter) return 'no-webgpu';
  if (error instanceof OutOfMemory) return 'memory';
  if (error instanceof DeviceLost) return 'device-lost';
  return error instanceof UserError ? 'input' : 'fault';
};

/**
 * The answer to a request that failed, or what is said of a device that failed by itself.
 * @param kept of a training, should the device be lost
 */
export function failure(
  error: unknown,
  during: RequestType | undefined,
  kept: WorkerError['kept'] | undefined,
): WorkerError {
  const kind = kindOf(error);
  const message = {
    'no-webgpu': () => messageOf(error),
    memory: () => remedies.memory,
    'device-lost': () => lostText(error as DeviceLost, kept),
    input: () => messageOf(error),
    fault: () => `a mistake of this program: ${oneLine(messageOf(error))}; please report it`,
  }[kind]();
  return { type: 'error', kind, message, during, ...(kind === 'device-lost' && kept && { kept }) };
}

function lostText({ why }: DeviceLost, kept: WorkerError['kept'] | undefined): string {
  if (!kept) return `the GPU was lost (${why}); ${remedies.lost}`;
  return `the GPU was lost (${why}); what was learnt up to step ${kept.step} of ${kept.steps} is kept`;
}
