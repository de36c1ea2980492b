/**
 * Bundles the benchmark: `main.js`, and one module for each file of `cases/` and `peers/<peer>/`, which `main.js` finds by
 * their names. Peers are bundled from their ES modules (tfjs's CommonJS files leave its gradients out); one that is not
 * installed stays an import, and importing it fails.
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

/**
 * @param {object} [options]
 * @param {string} [options.outdir] replaced by the bundle
 * @param {readonly string[]} [options.external] packages that are imported at run time (default: all dependencies)
 * @returns {Promise<import('esbuild').Metafile>} what went into which file
 */
export async function bundleBench({ outdir = join(folder, 'dist'), external = Object.keys(dependencies) } = {}) {
  rmSync(outdir, { recursive: true, force: true });
  const { metafile } = await build({
    absWorkingDir: folder,
    entryPoints: ['main.ts', ...modules],
    outdir,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    mainFields: ['module', 'main'],
    external: [...external, ...(peersInstalled ? [] : ['@tensorflow/*'])],
    // CommonJS packages call `require` for Node's own modules. Bundled sources import `createRequire` by its own name.
    banner: {
      js: "import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);",
    },
    plugins: [wgslForEsbuild],
    metafile: true,
    logLevel: 'warning',
  });
  return metafile;
}
