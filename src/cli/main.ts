#!/usr/bin/env node
import { CommanderError } from 'commander';
import { messageOf, UserError } from '../errors.ts';
import { systemError } from '../io/file_errors.ts';
import { complain } from './complain.ts';
import { exit, surviveLostOutput } from './lost_output.ts';
import { simclr } from './program.ts';
import { Terminal } from './terminal.ts';

/** Prints what went wrong in one line and returns the exit code. A stack is for faults of the program itself. */
function report(error: unknown): number {
  Terminal.clear();
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  const told = error instanceof UserError ? error : systemError(error);
  if (told) {
    complain(told.message);
    return told.exitCode;
  }
  complain(`internal error: ${messageOf(error).replace(/\s*\n\s*/g, ' ')}; set SIMCLR_DEBUG=1 for the stack trace`);
  if (process.env['SIMCLR_DEBUG'] && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  return 1;
}

surviveLostOutput();
let code = 0;
try {
  await simclr().parseAsync();
} catch (error) {
  code = report(error);
}
// Dawn keeps the process alive as long as its device is referenced.
await exit(code);
