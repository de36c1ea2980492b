/** The page in Chromium, for the tests of a file. */
import { join } from 'node:path';
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { missing, openChromium } from '../chromium.ts';
import { scratchFolder } from '../cli/run.ts';
import { pictureFolder } from './pictures.ts';
import { type Served, servePage } from './serve.ts';

export { missing };

/**
 * What the tests of a file work with: opened before them, closed behind them.
 *
 * @param worker the source of the page's worker
 */
export function pageTests(worker = 'test/web/stand_in.ts') {
  const folder = scratchFolder();
  let browser: Browser | undefined;
  let server: Served;
  const faults: string[] = [];
  const hosts = new Set<string>();
  const contexts: BrowserContext[] = [];

  beforeAll(async () => {
    if (missing !== '') return;
    server = await servePage(join(folder, 'site'), worker);
    browser = await openChromium();
  });
  // Pages that go on training would take the time of those that follow.
  afterEach(async () => {
    for (const context of contexts.splice(0))
      await context.close().catch((error) => {
        if (browser!.isConnected()) throw error;
      });
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
    if (missing !== '') return;
    expect(faults).toEqual([]);
    expect([...hosts]).toEqual([server.host]);
  });

  return {
    folder,
    /** A folder of 30 pictures of three hues. */
    pictures: pictureFolder(join(folder, 'pictures'), 30),
    /** Opens the page, `before` which something may be done in it. What it writes to the console as an error fails the tests, but for what the policy refuses. */
    async open(
      scenario: string,
      options: BrowserContextOptions = {},
      before?: (text: string) => void,
      text = '',
    ): Promise<Page> {
      // Chromium itself has crashed, rarely and on loaded machines: the test fails, is tried again, and those behind it have another.
      if (!browser!.isConnected()) browser = await openChromium();
      const context = await browser!.newContext({ viewport: { width: 1280, height: 860 }, ...options });
      contexts.push(context);
      if (before) await context.addInitScript(before, text);
      const page = await context.newPage();
      page.setDefaultTimeout(20_000);
      page.on('pageerror', (error) => faults.push(error.message));
      page.on('console', (message) => {
        if (message.type() === 'error' && scenario !== 'connects') faults.push(message.text());
      });
      page.on('request', (request) => {
        if (request.url().startsWith('http')) hosts.add(new URL(request.url()).host);
      });
      await page.goto(server.urlOf(scenario));
      return page;
    },
  };
}

/** Opens a folder in the page, as the button for it does. */
export async function openFolder(page: Page, folder: string): Promise<void> {
  await page.setInputFiles('#folder-input', folder);
  await page.locator('#opened').waitFor();
}

/** Goes to a part of the page by its link. */
export const goTo = (page: Page, view: string): Promise<void> => page.click(`nav [data-view=${view}]`);

/** Trains from the start, to the end of its second epoch. */
export async function train(page: Page): Promise<void> {
  await goTo(page, 'train');
  await page.getByLabel('Epochs').fill('2');
  await page.getByRole('button', { name: 'Start training' }).click();
  await page.locator('.message', { hasText: /^Trained: / }).waitFor();
}
