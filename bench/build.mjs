/**
 * Bundles the benchmark into `bench/dist`: `main.js`, and one module for each file of `cases/` and `peers/<peer>/`, which
 * `main.js` finds by their names. Peers are bundled from their ES modules (tfjs's CommonJS files leave its gradients out); one
 * that is not installed stays an import, and importing it fails.
 */
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { wgslForEsbuild } from '../scripts/wgsl.mjs';

const folder = dirname(fileURLToPath(import.meta.url));
const { dependencies } = JSON.parse(readFileSync(join(folder, '../package.json'), 'utf8'));
const modules = ['cases', 'peers']
  .flatMap((name) => readdirSync(join(folder, name), { recursive: true }).map((file) => join(name, file)))
  .filter((file) => file.endsWith('.ts'));
const peersInstalled = existsSync(join(folder, '../node_modules/@tensorflow/tfjs-backend-webgpu'));

rmSync(join(folder, 'dist'), { recursive: true, force: true });
await build({
  absWorkingDir: folder,
  entryPoints: ['main.ts', ...modules],
  outdir: 'dist',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  mainFields: ['module', 'main'],
  external: [...Object.keys(dependencies), ...(peersInstalled ? [] : ['@tensorflow/*'])],
  // tfjs calls `require` for Node's own modules.
  banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
  plugins: [wgslForEsbuild],
  logLevel: 'warning',
});
