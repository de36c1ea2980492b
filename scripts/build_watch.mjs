/** The page of `simclr watch`: all that it needs is in two files, which its server sends. */
import { build } from 'esbuild';
import { projectFolder } from './setup/files.mjs';

/**
 * @param {string} outdir gets `watch/page.js` and `watch/page.css`
 * @returns what went in, as esbuild tells it
 */
export async function buildWatchPage(outdir) {
  const { metafile } = await build({
    absWorkingDir: projectFolder,
    entryPoints: { 'watch/page': 'src/watch/page/main.tsx' },
    outdir,
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: ['chrome123', 'firefox121', 'safari17.5'],
    jsx: 'automatic',
    jsxImportSource: 'preact',
    legalComments: 'eof',
    metafile: true,
    logLevel: 'warning',
  });
  return metafile;
}
