/** A browser for tests of pages: Chromium as the system has it, driven by a package of test/package.json. */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Browser } from 'playwright-core';

const names = ['chromium', 'chromium-browser', 'google-chrome'];
const folders = (process.env['PATH'] ?? '').split(delimiter);
const executablePath = folders.flatMap((folder) => names.map((name) => join(folder, name))).find(existsSync);
const playwright = await import('playwright-core').catch(() => undefined);

/** Why there is no browser; undefined where there is one. */
export const noBrowser =
  playwright === undefined
    ? 'playwright-core is not installed: node scripts/setup.mjs --test'
    : executablePath === undefined
      ? `none of ${names.join(', ')} is on the PATH`
      : undefined;

export const openBrowser = (): Promise<Browser> =>
  playwright!.chromium.launch({ executablePath: executablePath!, args: ['--headless', '--no-sandbox'] });
