/** Before all tests: the program is built, because tests of the command line run it as users do. */
import { execFileSync } from 'node:child_process';

/** @returns what is called when all tests have run */
export default function setup(): () => void {
  execFileSync(process.execPath, ['esbuild.config.mjs'], { stdio: 'inherit' });
  let isOver = false;
  // Vitest was seen to end like this on a loaded machine, with exit code 0: its last workers had gone, and nothing was left to wait for.
  // Before its own listener, which ends the process.
  process.prependListener('exit', () => {
    if (isOver) return;
    console.error('vitest ended before all tests had run');
    process.exitCode ||= 1;
  });
  return () => {
    isOver = true;
  };
}
