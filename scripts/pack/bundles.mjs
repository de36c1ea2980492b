/** The JavaScript of the archive: program, benchmark and tests, each with the packages that it uses inside. */
import { cpSync, existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { bundleBench } from '../../bench/bundle.mjs';
import { buildPage } from '../build_browser.mjs';
import { buildWatchPage } from '../build_watch.mjs';
import { wgslForEsbuild } from '../wgsl.mjs';
import { nativePackages } from './packages.mjs';
import { projectFolder } from './project.mjs';
import { testSources } from './test_sources.mjs';

/** Folders of `test/` with tests of kernels, graphs, gradients, losses and methods; they need an adapter and no file of the project. */
const testFolders = ['gpu', 'graph', 'losses', 'methods', 'ops', 'optim'];
/** Tests beside these folders that go along. The others read the project's own files or run its command line. */
const testFiles = ['float16', 'golden', 'nan', 'nn', 'step'];

/** @returns {string[]} the tests that are packed, relative to `test/` */
export function packedTests() {
  const folder = join(projectFolder, 'test');
  const inFolders = testFolders.flatMap((name) => readdirSync(join(folder, name)).map((file) => join(name, file)));
  const beside = testFiles
    .flatMap((name) => [`${name}.test.ts`, `${name}.full.test.ts`])
    .filter((file) => existsSync(join(folder, file)));
  return [...inFolders.filter((file) => file.endsWith('.test.ts')), ...beside].sort();
}

/** @type {import('esbuild').BuildOptions} */
const common = {
  absWorkingDir: projectFolder,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  external: Object.keys(nativePackages),
  // CommonJS packages call `require` for Node's own modules. Bundled sources import `createRequire` by its own name.
  banner: {
    js: "import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);",
  },
  metafile: true,
  logLevel: 'warning',
};

async function bundleProgram(outdir) {
  const entryPoints = { cli: 'src/cli/main.ts' };
  return (await build({ ...common, entryPoints, outdir, plugins: [wgslForEsbuild] })).metafile;
}

async function bundleTests(outdir) {
  const { metafile } = await build({
    ...common,
    entryPoints: [
      { in: 'scripts/pack/tests/main.mjs', out: 'main' },
      ...packedTests().map((file) => ({ in: join('test', file), out: file.replace(/\.ts$/, '') })),
    ],
    outdir,
    alias: { vitest: './scripts/pack/tests/vitest.mjs' },
    plugins: [wgslForEsbuild, testSources],
  });
  const data = readdirSync(join(projectFolder, 'test'), { recursive: true }).filter((file) => file.endsWith('.json'));
  for (const file of data) cpSync(join(projectFolder, 'test', file), join(outdir, file));
  return metafile;
}

/**
 * Writes `cli`, `bench` and `test` into a folder.
 * @param {string} folder
 * @returns {Promise<string[]>} the files that went in, relative to the project
 */
export async function bundle(folder) {
  const program = await bundleProgram(join(folder, 'cli'));
  const bench = await bundleBench({ outdir: join(folder, 'bench'), external: common.external });
  const tests = await bundleTests(join(folder, 'test'));
  // Where `simclr watch` and `simclr web` look for their pages.
  const pages = [await buildWatchPage(join(folder, 'cli')), await buildPage(join(folder, 'cli/web'))];
  const ofBench = Object.keys(bench.inputs).map((file) => join('bench', file));
  return [...new Set([...[program, tests, ...pages].flatMap(({ inputs }) => Object.keys(inputs)), ...ofBench])];
}
