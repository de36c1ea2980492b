import { resolve } from 'node:path';
import { configDefaults, defineConfig } from 'vitest/config';
import { wgslForVite } from './scripts/wgsl.mjs';

/** Tests that take long on a slow machine: only in the full suite, `npm run test:full` or `vitest run --mode full`. */
const long = 'test/**/*.full.test.ts';
/** The campaign of faults, `npm run test:faults`: these only. */
const faults = 'test/**/*.faults.test.ts';

export default defineConfig(({ mode }) => ({
  plugins: [wgslForVite],
  // What a user's own method imports: docs/examples.
  resolve: { alias: { 'simclr-webgpu': resolve(import.meta.dirname, 'src/index.ts') } },
  test: {
    include: [mode === 'faults' ? faults : 'test/**/*.test.ts'],
    exclude: [...configDefaults.exclude, ...(mode === 'faults' ? [] : [faults]), ...(mode === 'full' ? [] : [long])],
    globalSetup: ['test/build.ts'],
    // Dawn is a native add-on: one process a file, two at a time, each ended with its device.
    pool: 'forks',
    maxWorkers: 2,
    minWorkers: 1,
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
}));
