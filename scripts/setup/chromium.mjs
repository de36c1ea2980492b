/** A browser for tests of what runs in browsers: Chromium from the distribution's packages, where root runs set-up for tests. */
import { spawnSync } from 'node:child_process';
import { hasApt, PrivateApt } from './apt.mjs';
import { reasonOf, say } from './console.mjs';

const packages = ['chromium'];
/** As tests look for it: test/chromium.ts. */
const programs = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

const skipped = 'tests of what runs in browsers are skipped';

/** Tests that need it say so where they are skipped: set-up goes on without it. */
export function ensureChromium() {
  if (programs.some((program) => spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0)) return;
  const root = process.getuid?.() === 0;
  if (!root || !hasApt()) return say(`no Chromium: ${skipped} (Debian: ${packages.join(' ')}, as root)`);
  const apt = new PrivateApt();
  try {
    say('installing Chromium, for tests of what runs in browsers');
    apt.useDistribution();
    apt.addSuites(undefined);
    apt.install(packages, undefined);
  } catch (error) {
    say(`no Chromium: ${skipped} (${reasonOf(error)})`);
  } finally {
    apt.close();
  }
}
