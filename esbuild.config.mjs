import { build } from 'esbuild';
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

// The page of `simclr watch`: all that it needs is in two files, which its server sends.
await build({
  entryPoints: { 'watch/page': 'src/watch/page/main.tsx' },
  outdir: 'dist',
  bundle: true,
  minify: true,
  format: 'esm',
  platform: 'browser',
  target: ['chrome123', 'firefox121', 'safari17.5'],
  jsx: 'automatic',
  jsxImportSource: 'preact',
  legalComments: 'eof',
  logLevel: 'warning',
});
