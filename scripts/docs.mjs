/**
 * Builds the documentation site, `dist/docs/`: the pages of docs/, what the command line says of itself, and TypeDoc of the library.
 *
 *   node scripts/docs.mjs [FOLDER]
 *
 * The site is static files: it can be opened from the disk or served from anywhere. Anything that TypeDoc warns of is an error.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { SetupError, say } from './setup/console.mjs';
import { projectFolder } from './setup/files.mjs';
import { checkNode, ensureDependencies } from './setup/npm.mjs';

try {
  checkNode(process.versions.node);
  ensureDependencies();
  const { buildSite } = await builder();
  const out = resolve(process.argv[2] ?? join(projectFolder, 'dist/docs'));
  await buildSite(projectFolder, out);
  say(`the documentation is in ${out}: open index.html`);
} catch (error) {
  if (!(error instanceof SetupError) && error?.name !== 'UserError') throw error;
  say(error.message);
  process.exitCode = 1;
}

/** The builder is TypeScript, as it asks the program's own sources for commands and methods: bundled first. */
async function builder() {
  // Packages that it imports are there from here on.
  const { build } = await import('esbuild');
  const { wgslForEsbuild } = await import('./wgsl.mjs');
  // Inside the project, so that packages are found; a folder for each process, as tests may build at the same time.
  const folder = join(projectFolder, 'node_modules/.cache', `docs-${process.pid}`);
  mkdirSync(folder, { recursive: true });
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  const outfile = join(folder, 'build.mjs');
  await build({
    absWorkingDir: projectFolder,
    entryPoints: ['scripts/docs/build.ts'],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
    plugins: [wgslForEsbuild],
    logLevel: 'warning',
  });
  return import(pathToFileURL(outfile).href);
}
