/** Starts a program of ours in several processes under Open MPI's mpirun, where that is to be had. */
import { spawn, spawnSync } from 'node:child_process';
import { describe } from 'vitest';
import { type Finished, type Started, withoutDriverNoise } from '../cli/run.ts';

/** Why there is no MPI here; undefined: there is. */
export const withoutMpi: string | undefined = (() => {
  const { status, stdout } = spawnSync('mpirun', ['--version'], { encoding: 'utf8' });
  if (status !== 0) return 'mpirun is not installed (Debian: openmpi-bin libopenmpi3)';
  return stdout.includes('Open MPI') ? undefined : 'mpirun is of another MPI than Open MPI';
})();

/** Tests that need mpirun; where it is not there they are skipped, and the reason is their title's. */
export const describeMpi = (name: string, tests: () => void): void => {
  describe.skipIf(withoutMpi !== undefined)(withoutMpi === undefined ? name : `${name}: skipped, ${withoutMpi}`, tests);
};

const flags = [
  ...['--allow-run-as-root', '--oversubscribe'],
  // Containers forbid to read another process's memory, which Open MPI would try first.
  ...['--mca', 'btl_vader_single_copy_mechanism', 'none'],
];

/** Runs `node args…` in so many ranks. @param more flags of mpirun */
export function mpirun(
  ranks: number,
  args: readonly string[],
  env = process.env,
  more: readonly string[] = [],
): Started {
  const child = spawn('mpirun', [...flags, ...more, '-n', String(ranks), process.execPath, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env,
  });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk) => {
    out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    err += chunk;
  });
  const done = new Promise<Finished>((settle) => {
    child.on('close', (code, signal) => settle({ code, signal, out, err: withoutDriverNoise(err) }));
  });
  return { child, done, out: () => out };
}
