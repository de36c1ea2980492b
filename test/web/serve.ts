/** The page as it is built, on a server of its own, with the stand-in or the real worker. */

import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { build } from 'esbuild';
import { wgslForEsbuild } from '../../scripts/wgsl.mjs';

const sources = join(import.meta.dirname, '../../src/web');
const types: Record<string, string> = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' };

/** Files of the page with the stand-in for its worker, by name. */
async function pageFiles(): Promise<Map<string, string>> {
  const { outputFiles } = await build({
    entryPoints: {
      main: join(sources, 'page/main.ts'),
      worker: join(import.meta.dirname, 'stand_in.ts'),
      style: join(sources, 'style.css'),
    },
    bundle: true,
    write: false,
    format: 'esm',
    outdir: '/',
    target: 'es2022',
    plugins: [wgslForEsbuild],
  });
  const files = new Map(outputFiles.map(({ path, text }) => [path.split(/[\\/]/).at(-1)!, text]));
  return files.set('index.html', readFileSync(join(sources, 'index.html'), 'utf8'));
}

/** Serves the page in every folder: `http://127.0.0.1:…/memory/` is it with the stand-in's scenario `memory`. */
export async function servePage(): Promise<{ readonly url: string; close(): Promise<void> }> {
  const files = await pageFiles();
  const server: Server = createServer(({ url = '/' }, response) => {
    const name = new URL(url, 'http://localhost').pathname.split('/').at(-1) || 'index.html';
    const text = files.get(name);
    response.writeHead(text === undefined ? 404 : 200, { 'content-type': types[extname(name)] ?? 'text/plain' });
    response.end(text);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { url: `http://127.0.0.1:${port}`, close };
}
