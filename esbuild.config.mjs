import { build } from 'esbuild';
import { buildWatchPage } from './scripts/build_watch.mjs';
import { wgslForEsbuild } from './scripts/wgsl.mjs';

await build({
  entryPoints: { cli: 'src/cli/main.ts', index: 'src/index.ts' },
  outdir: 'dist',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  packages: 'external',
  plugins: [wgslForEsbuild],
  sourcemap: true,
  logLevel: 'warning',
});

await buildWatchPage('dist');
