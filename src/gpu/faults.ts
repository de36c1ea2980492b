/** What a device reports, as one line that says what to do. */
import { UserError } from '../errors.ts';

/** What is wrong, without the list of overloads that would have been right. */
export const firstLine = (text: string): string => text.trim().split('\n', 1)[0];

/** The device is gone, with all that was on it; another one may be opened. */
export class DeviceLost extends UserError {
  constructor(
    readonly why: string,
    remedy = 'run the command again',
  ) {
    super(`the GPU device was lost (${why}); ${remedy}`);
  }
}

/** There is no device that could be opened. */
export class NoAdapter extends UserError {}

/** The device has not the memory for what was asked of it. */
export class OutOfMemory extends UserError {}

export const oneLine = (text: string): string => text.replace(/\s*\n\s*/g, ' ').trim();

export const outOfMemory = (label: string, size: number): OutOfMemory =>
  new OutOfMemory(
    `the GPU is out of memory at ${label} (${Math.ceil(size / 2 ** 20)} MiB); use a smaller --batch-size or --image-size, or micro-batches (--micro-batch)`,
  );

export function describeError(error: GPUError): UserError {
  if (error instanceof GPUOutOfMemoryError)
    return new OutOfMemory(
      `the GPU is out of memory: ${oneLine(error.message)}; use a smaller --batch-size, or micro-batches (--micro-batch)`,
    );
  return new UserError(`the GPU rejected a command: ${oneLine(error.message)}`);
}
