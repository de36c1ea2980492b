/** The page as it is built, with its own worker or another, on the server that it has. */
import { cpSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { bundled, pageEntries } from '../../scripts/build_browser.mjs';
import { serveFolder } from '../../src/cli/static_server.ts';

const document = join(import.meta.dirname, '../../src/web/index.html');

/** Where the page is, and how it is taken away. */
export interface Served {
  /** The page's address in a folder of this name: `memory` is it with the stand-in's scenario of that name. */
  urlOf(name: string): string;
  readonly host: string;
  close(): Promise<void>;
}

/**
 * Builds and serves the page.
 *
 * @param site an empty folder for it
 * @param worker its source, from the project's folder
 */
export async function servePage(site: string, worker: string = pageEntries.worker): Promise<Served> {
  const built = join(site, 'built');
  await bundled({ ...pageEntries, worker }, { outdir: built });
  cpSync(document, join(built, 'index.html'));
  const { url, close } = await serveFolder(site, { port: 0, host: '127.0.0.1' });
  return {
    host: new URL(url).host,
    close,
    urlOf(name) {
      if (!existsSync(join(site, name))) cpSync(built, join(site, name), { recursive: true });
      return `${url}${name}/`;
    },
  };
}
