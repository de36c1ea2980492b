import { printable } from '../io/printable.ts';

/** Prints a line to stderr: one, whatever the names in it hold. */
export const complain = (message: string): void => {
  process.stderr.write(`simclr: ${printable(message)}\n`);
};
