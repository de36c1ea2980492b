import { closeSync, openSync } from 'node:fs';
import { isatty } from 'node:tty';
import { messageOf } from '../errors.ts';
import { complain } from './complain.ts';

/** Nobody reads on: a pipe's reader went away (`simclr info | head`), or the terminal was closed. */
const nobodyReads = ['EPIPE', 'EIO', 'ENXIO'];

const terminals = [0, 1, 2].filter((descriptor) => isatty(descriptor));

/** Output that cannot be written must not cost the work that it tells of: that goes on, and the loss is told once, on stderr. */
export function surviveLostOutput(): void {
  process.stderr.on('error', () => undefined);
  let told = false;
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (told || nobodyReads.includes(error.code ?? '')) return;
    told = true;
    complain(`stdout cannot be written (${messageOf(error)}); its output is incomplete`);
    process.exitCode ??= 1;
  });
}

/** Ends the process when what was written has arrived, or has failed. */
export async function exit(code: number): Promise<never> {
  await new Promise((wake) => setImmediate(wake));
  // Node restores the modes of its terminals on exit, and crashes where one is gone, unless something else is open in its place.
  for (const descriptor of terminals) {
    if (isatty(descriptor)) continue;
    closeSync(descriptor);
    openSync('/dev/null', 'r+');
  }
  process.exit(process.exitCode ?? code);
}
