#!/usr/bin/env node
import { withConfig } from './config_file.ts';
import { leaveWordToFirst } from './first_rank.ts';
import { exit, surviveLostOutput } from './lost_output.ts';
import { simclr } from './program.ts';
import { reportError } from './report_error.ts';

surviveLostOutput();
let code = 0;
try {
  const argv = withConfig(process.argv);
  await simclr(argv).parseAsync(argv);
} catch (error) {
  await leaveWordToFirst(error);
  code = reportError(error);
}
// Dawn keeps the process alive as long as its device is referenced.
await exit(code);
