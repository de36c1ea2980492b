#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { systemError } from '../data/file_errors.ts';
import { messageOf, UserError } from '../errors.ts';
import { dataCommand } from './data.ts';
import { embedCommand } from './embed.ts';
import { evalCommand } from './eval.ts';
import { experimentCommand } from './experiment.ts';
import { exportCommand } from './export.ts';
import { infoCommand } from './info.ts';
import { exit, surviveLostOutput } from './lost_output.ts';
import { Terminal } from './terminal.ts';
import { trainCommand } from './train.ts';

const program = new Command('simclr')
  .description('Self-supervised image representations (SimCLR), trained on any GPU with WebGPU.')
  .version('0.1.0')
  .showHelpAfterError('(simclr --help lists the commands and their options)')
  .exitOverride();
for (const command of [
  trainCommand(),
  experimentCommand(),
  evalCommand(),
  embedCommand(),
  exportCommand(),
  infoCommand(),
  dataCommand(),
]) {
  program.addCommand(command.exitOverride().showHelpAfterError(`(simclr ${command.name()} --help lists the options)`));
}

/** Prints what went wrong in one line and returns the exit code. A stack is for faults of the program itself. */
function report(error: unknown): number {
  Terminal.clear();
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  const told = error instanceof UserError ? error : systemError(error);
  if (told) {
    process.stderr.write(`simclr: ${told.message}\n`);
    return told.exitCode;
  }
  const stack = process.env['SIMCLR_DEBUG'] && error instanceof Error ? `\n${error.stack}` : '';
  process.stderr.write(`simclr: internal error: ${messageOf(error)}; set SIMCLR_DEBUG=1 for the stack trace${stack}\n`);
  return 1;
}

surviveLostOutput();
let code = 0;
try {
  await program.parseAsync();
} catch (error) {
  code = report(error);
}
// Dawn keeps the process alive as long as its device is referenced.
await exit(code);
