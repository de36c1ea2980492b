#!/usr/bin/env node
import { exit, surviveLostOutput } from './lost_output.ts';
import { simclr } from './program.ts';
import { leaveWordToFirst } from './ranks.ts';
import { reportError } from './report_error.ts';

surviveLostOutput();
let code = 0;
try {
  await simclr().parseAsync();
} catch (error) {
  await leaveWordToFirst();
  code = reportError(error);
}
// Dawn keeps the process alive as long as its device is referenced.
await exit(code);
