import { CommanderError } from 'commander';
import { messageOf, UserError } from '../errors.ts';
import { systemError } from '../io/file_errors.ts';
import { complain } from './complain.ts';
import { Terminal } from './terminal.ts';

/**
 * Prints what went wrong in one line and returns the exit code. A stack is for faults of the program itself.
 * @param who of several processes it happened to: `rank 1: `
 */
export function reportError(error: unknown, who = ''): number {
  Terminal.clear();
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  const told = error instanceof UserError ? error : systemError(error);
  if (told) {
    complain(who + told.message);
    return told.exitCode;
  }
  complain(
    `${who}internal error: ${messageOf(error).replace(/\s*\n\s*/g, ' ')}; set SIMCLR_DEBUG=1 for the stack trace`,
  );
  if (process.env['SIMCLR_DEBUG'] && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  return 1;
}
