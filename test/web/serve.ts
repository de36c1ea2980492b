/** The page as it is built, on a server of its own, with the stand-in or the real worker. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { bundled, pageEntries } from '../../scripts/build_browser.mjs';

const types: Record<string, string> = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' };

/** Files of the page by name. */
async function pageFiles(worker: string): Promise<Map<string, string>> {
  const { outputFiles } = await bundled({ ...pageEntries, worker }, { write: false, outdir: '/' });
  const files = new Map(outputFiles!.map(({ path, text }) => [path.split(/[\\/]/).at(-1)!, text]));
  return files.set('index.html', readFileSync(join(import.meta.dirname, '../../src/web/index.html'), 'utf8'));
}

/** Where the page is, and how it is taken away. */
export interface Served {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Serves the page in every folder: `http://127.0.0.1:…/memory/` is it with the stand-in's scenario `memory`.
 *
 * @param worker its source, from the project's folder
 */
export async function servePage(worker: string = pageEntries.worker): Promise<Served> {
  const files = await pageFiles(worker);
  const server = createServer(({ url = '/' }, response) => {
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
