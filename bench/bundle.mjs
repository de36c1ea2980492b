/**
 * Bundles the benchmark: `main.js`, and one module for each file of `cases/` and `peers/<peer>/`, which `main.js` finds by
 * their names, with the files that peers read. Peers are bundled from their ES modules (tfjs's CommonJS files leave its
 * gradients out); one that is not installed stays an import, and importing it fails.
 */
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { wgslForEsbuild } from '../scripts/wgsl.mjs';

const folder = dirname(fileURLToPath(import.meta.url));
const { dependencies } = JSON.parse(readFileSync(join(folder, '../package.json'), 'utf8'));
const modules = ['cases', 'peers']
  .flatMap((name) => readdirSync(join(folder, name), { recursive: true }).map((file) => join(name, file)))
  .filter((file) => file.endsWith('.ts'));
const packages = join(folder, '../node_modules');
const missing = ['core', 'backend-webgpu', 'backend-cpu', 'backend-wasm']
  .map((name) => `@tensorflow/tfjs-${name}`)
  .filter((name) => !existsSync(join(packages, name)));

/** Files that peers read at run time, by the peer: PyTorch's side, and tfjs's WebAssembly (of its three the one that Node takes). */
const filesOf = {
  pytorch: filesIn(join(folder, 'peers/pytorch'), '.py'),
  tfjs_wasm: filesIn(join(packages, '@tensorflow/tfjs-backend-wasm/dist'), 'wasm-simd.wasm'),
};

/** @param {string} place @param {string} extension @returns {string[]} paths; none where there is no such folder */
function filesIn(place, extension) {
  const names = existsSync(place) ? readdirSync(place) : [];
  return names.filter((name) => name.endsWith(extension)).map((name) => join(place, name));
}

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
    entryPoints: ['main.ts', 'mpi.ts', 'mpi_rank.ts', ...modules],
    outdir,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    mainFields: ['module', 'main'],
    external: [...external, ...missing],
    // CommonJS packages call `require` for Node's own modules. Bundled sources import `createRequire` by its own name.
    banner: {
      js: "import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);",
    },
    plugins: [wgslForEsbuild],
    metafile: true,
    logLevel: 'warning',
  });
  for (const [peer, files] of Object.entries(filesOf)) {
    mkdirSync(join(outdir, 'peers', peer), { recursive: true });
    for (const file of files) copyFileSync(file, join(outdir, 'peers', peer, basename(file)));
  }
  return metafile;
}
