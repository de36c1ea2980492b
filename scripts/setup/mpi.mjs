/** MPI for tests of training on several processes: Open MPI from the distribution's packages, where root runs set-up for tests. */
import { spawnSync } from 'node:child_process';
import { hasApt, PrivateApt } from './apt.mjs';
import { reasonOf, say } from './console.mjs';

const packages = ['openmpi-bin', 'libopenmpi3'];

/** Tests that need it say so where they are skipped: set-up goes on without it. */
export function ensureMpi() {
  if (spawnSync('mpirun', ['--version'], { stdio: 'ignore' }).status === 0) return;
  const root = process.getuid?.() === 0;
  if (!root || !hasApt())
    return say(`no MPI: tests that need mpirun are skipped (Debian: ${packages.join(' ')}, as root)`);
  const apt = new PrivateApt();
  try {
    say(`installing ${packages.join(' and ')}, for tests with several processes`);
    apt.useDistribution();
    apt.addSuites(undefined);
    apt.install(packages, undefined);
  } catch (error) {
    say(`no MPI: tests that need mpirun are skipped (${reasonOf(error)})`);
  } finally {
    apt.close();
  }
}
