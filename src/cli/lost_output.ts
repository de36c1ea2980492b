import { messageOf } from '../errors.ts';

/** Nobody reads on: a pipe's reader went away (`simclr info | head`), or the terminal was closed. */
const nobodyReads = ['EPIPE', 'EIO', 'ENXIO'];

/** Output that cannot be written must not cost the work that it tells of: that goes on, and the loss is told once, on stderr. */
export function surviveLostOutput(): void {
  process.stderr.on('error', () => undefined);
  let told = false;
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (told || nobodyReads.includes(error.code ?? '')) return;
    told = true;
    process.stderr.write(`simclr: stdout cannot be written (${messageOf(error)}); its output is incomplete\n`);
    process.exitCode ??= 1;
  });
}
