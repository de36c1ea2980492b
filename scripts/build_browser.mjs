/**
 * Builds what runs in browsers:
 *
 *   dist/browser/src/browser.js      the library, a file for each module: a bundler takes what is used
 *   dist/browser/simclr-webgpu.js    the same in one file, for pages without a bundler
 *   dist/web/                        the page: static files with relative addresses, for any server
 */
import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { inBrowsers, twins } from './twins.mjs';
import { compactWgslForEsbuild } from './wgsl.mjs';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const shared = {
  absWorkingDir: root,
  bundle: true,
  format: 'esm',
  platform: 'browser',
  target: ['es2022'],
  logLevel: 'warning',
};

/** One file with all that it needs. */
export const bundled = (entryPoints, options) =>
  build({ ...shared, entryPoints, plugins: [twins, compactWgslForEsbuild], minify: true, ...options });

/** Files of the library that its entry leads to, kernels among them, as paths from the project's folder. */
export async function browserFiles() {
  const { metafile } = await bundled(['src/browser.ts'], {
    write: false,
    outdir: 'dist',
    metafile: true,
    minify: false,
  });
  return Object.entries(metafile.inputs).map(([file, { imports }]) => ({
    file,
    packages: imports.filter(({ external }) => external).map(({ path }) => path),
  }));
}

/** Leaves each import as it is, by the name that the file has where it is built to. */
const asModules = {
  name: 'as modules',
  setup({ onResolve }) {
    onResolve({ filter: /.*/ }, ({ path, resolveDir, kind }) => {
      if (kind === 'entry-point') return undefined;
      if (!path.startsWith('.')) return { path, external: true, sideEffects: false };
      const target = relative(resolveDir, inBrowsers(resolve(resolveDir, path))).replaceAll('\\', '/');
      const built = target.replace(/\.(ts|wgsl)$/, '.js');
      return { path: built.startsWith('.') ? built : `./${built}`, external: true, sideEffects: false };
    });
  },
};

/** The library, a file for each of its modules. */
export async function buildModules(outdir) {
  const files = await browserFiles();
  const own = files.map(({ file }) => file).filter((file) => !file.includes('node_modules'));
  await build({
    ...shared,
    ...{ entryPoints: own, outdir, outbase: '.', plugins: [asModules, compactWgslForEsbuild] },
  });
}

/** What the page is made of beside its document, by the names that this has for them. */
export const pageEntries = { main: 'src/web/page/main.ts', worker: 'src/web/worker.ts', style: 'src/web/style.css' };

/** The page, its worker and its style. @returns what went in, as esbuild tells it */
export async function buildPage(outdir) {
  const { metafile } = await bundled(pageEntries, { outdir, metafile: true });
  cpSync(join(root, 'src/web/index.html'), resolve(root, outdir, 'index.html'));
  return metafile;
}

/** All of it, in the place of what was built before. */
async function buildAll() {
  for (const folder of ['dist/browser', 'dist/web']) rmSync(join(root, folder), { recursive: true, force: true });
  mkdirSync(join(root, 'dist/web'), { recursive: true });
  await buildModules('dist/browser');
  await bundled({ 'simclr-webgpu': 'src/browser.ts' }, { outdir: 'dist/browser' });
  await buildPage('dist/web');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildAll();
