/** Programs for browsers, built from their sources and opened in Chromium, for the tests of a file. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll } from 'vitest';
import { bundled } from '../../scripts/build_browser.mjs';
import { type StaticServer, serveFolder } from '../../src/cli/static_server.ts';
import { missing, openChromium } from '../chromium.ts';
import { scratchFolder } from '../cli/run.ts';

export { missing };

export interface InChromium {
  /** A new page, in which `program` is what that program exports. */
  open(program: string): Promise<Page>;
  readonly browser: () => Browser;
  readonly url: () => string;
}

const pageOf = (name: string): string =>
  `<!doctype html><script type="module">import * as program from './${name}.js'; globalThis.program = program;</script>`;

/** @param entries programs by their names, as paths from the project's folder */
export function inChromium(entries: Readonly<Record<string, string>>, open = openChromium): InChromium {
  const folder = scratchFolder();
  let browser: Browser | undefined;
  let server: StaticServer | undefined;
  beforeAll(async () => {
    if (missing !== '') return;
    await bundled(entries, { outdir: folder, minify: false });
    for (const name of Object.keys(entries)) writeFileSync(join(folder, `${name}.html`), pageOf(name));
    server = await serveFolder(folder, { port: 0, host: '127.0.0.1' });
    browser = await open();
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
  });
  return {
    browser: () => browser!,
    url: () => server!.url,
    async open(program) {
      const page = await browser!.newPage();
      await page.goto(`${server!.url}${program}.html`);
      await page.waitForFunction(() => 'program' in globalThis);
      return page;
    },
  };
}
