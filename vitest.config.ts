import { defineConfig } from 'vitest/config';
import { wgslForVite } from './scripts/wgsl.mjs';

export default defineConfig({
  plugins: [wgslForVite],
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/build.ts'],
    // Dawn is a native add-on: one process a file, two at a time, each ended with its device.
    pool: 'forks',
    maxWorkers: 2,
    minWorkers: 1,
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
