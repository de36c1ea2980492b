/** The page of `simclr watch` in a browser: live curves, restarts, comparison, keys, narrow windows. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Dashboard, serve } from '../../src/watch/server.ts';
import { Watcher } from '../../src/watch/watcher.ts';
import { axeFaults } from '../axe_faults.ts';
import { missing, openChromium } from '../chromium.ts';
import { scratchFolder } from '../cli/run.ts';
import { drag } from '../fingers.ts';
import { axe } from '../packages.ts';
import { checkpoint, hostile, type MadeRun, makeComparison, makeRun, writeReport } from './runs.ts';

/** Where something is: a chart that is drawn anew at this moment is nowhere. */
const boxOf = (locator: Locator) =>
  vi.waitFor(async () => {
    const box = await locator.boundingBox();
    if (box) return box;
    throw new Error('it is not on the page');
  }, long);

interface Window extends Pick<BrowserContextOptions, 'hasTouch' | 'colorScheme'> {
  readonly width?: number;
  readonly height?: number;
}

const token = 'abcdefghijklmnopqrstuv';
const root = scratchFolder();
const long = { timeout: 20_000 };

describe.skipIf(missing)(`the page${missing}`, () => {
  let browser: Browser;
  let page: Page;
  let dashboard: Dashboard;
  let first: MadeRun;
  const faults: string[] = [];

  beforeAll(async () => {
    first = makeRun(join(root, 'first'));
    first.line({ type: 'probe', step: 0, knn: 0.2, majority: 0.11 });
    first.steps(1, 30);
    first.line({ type: 'epoch', epoch: 3, epochs: 4, step: 30, loss: 3, chance: 4.8, knn: 0.5, memory: 2 ** 26 });
    first.picture('similarity-step-00000000.png');
    first.picture('similarity-step-00000030.png', 200);
    const second = makeRun(join(root, 'second'), { method: 'byol', lr: 0.25 });
    second.steps(1, 40, { loss: 2.5 });
    checkpoint(second, 40);
    browser = await openChromium();
    dashboard = await serve({ watcher: new Watcher([root]), assets: 'dist/watch', token, port: 0 });
  });
  afterAll(async () => {
    await browser.close();
    await dashboard.close();
  });
  afterEach(async () => {
    await page.context().close();
    expect(faults.splice(0)).toEqual([]);
  });

  async function open({ width = 1280, height = 900, ...options }: Window = {}): Promise<Page> {
    const context = await browser.newContext({ viewport: { width, height }, reducedMotion: 'reduce', ...options });
    page = await context.newPage();
    page.on('pageerror', (error) => faults.push(error.message));
    page.on('console', (message) => {
      // A server that is gone is told by the browser too.
      if (message.type() === 'error' && !/Failed to load resource/.test(message.text())) faults.push(message.text());
    });
    page.on('request', (request) => {
      if (!request.url().startsWith(dashboard.url) && !request.url().startsWith('data:')) faults.push(request.url());
    });
    await page.goto(dashboard.url);
    await plot('Loss').locator('canvas').waitFor(long);
    return page;
  }
  const plot = (title: string) => page.getByRole('img', { name: new RegExp(`^${title}[.,]`) });
  const tab = (name: string) => page.getByRole('button', { name, exact: true }).click();
  const item = (name: string) => page.locator('.runs li').filter({ hasText: name });

  it('shows each run with its status and newest numbers, and follows new lines', async () => {
    await open();
    expect(await item('first').textContent()).toMatch(/failed.*simclr.*epoch 3\/4.*kNN 50\.0 %/);
    expect(await item('second').textContent()).toMatch(/finished.*byol.*loss 2\.5/);
    const before = await plot('Loss').getAttribute('aria-label');
    first.steps(31, 31, { loss: 0.125 });
    await expect.poll(() => item('first').textContent(), long).toContain('loss 0.125');
    await expect.poll(() => plot('Loss').getAttribute('aria-label'), long).not.toBe(before);
    expect(await plot('Loss').getAttribute('aria-label')).toContain('second 2.5');
  });

  it('runs that begin appear, those that are removed go', async () => {
    await open();
    const third = makeRun(join(root, 'third'));
    third.steps(1, 5);
    await item('third').waitFor(long);
    rmSync(third.path, { recursive: true });
    await item('third').waitFor({ ...long, state: 'detached' });
  });

  it('says when the server is gone, and goes on when it is back', async () => {
    await open();
    const { port } = dashboard;
    await dashboard.close();
    await page.getByText('No answer from simclr watch.').waitFor(long);
    first.steps(32, 33, { loss: 0.5 });
    dashboard = await serve({ watcher: new Watcher([root]), assets: 'dist/watch', token, port });
    await page.getByText('No answer from simclr watch.').waitFor({ ...long, state: 'detached' });
    await expect.poll(() => item('first').textContent(), long).toContain('loss 0.5');
  });

  it('compares: smoothing, the axis, a log scale, which runs', async () => {
    await open();
    const newest = async () => (await plot('Loss').getAttribute('aria-label'))!;
    const smoothed = await newest();
    await page.getByLabel('Smoothing').fill('0');
    await expect.poll(newest).not.toBe(smoothed);
    expect(await newest()).toMatch(/first 0\.5/);
    await page.getByText('Log scale').click();
    await expect.poll(newest).toMatch(/^Loss, logarithmic/);
    await page.getByText('Epoch', { exact: true }).click();
    await page.getByRole('button', { name: 'Show only second' }).click();
    await expect.poll(newest).not.toContain('first');
    expect(await page.locator('.tiles').textContent()).toMatch(/Epoch4 \/ 4step 40 of 40/);
    // What was chosen is still there at the next visit.
    await page.reload();
    await plot('Loss').waitFor(long);
    expect(await page.getByLabel('Smoothing').inputValue()).toBe('0');
    expect(await newest()).toMatch(/^Loss, logarithmic/);
  });

  it('tells values under the pointer, and looks closer where it is dragged', async () => {
    await open();
    await page.getByLabel('Smoothing').fill('0');
    const box = await boxOf(plot('Loss').locator('.u-over'));
    await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
    const tooltip = page.locator('.tooltip');
    await tooltip.waitFor(long);
    expect(await tooltip.textContent()).toMatch(/step (19|20|21)second2\.5first2\.\d/);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.7, box.y + box.height / 2, { steps: 4 });
    await page.mouse.up();
    await page.getByRole('button', { name: 'Show all' }).click(long);
    expect(await page.getByRole('button', { name: 'Show all' }).count()).toBe(0);
  });

  it('is looked at closely with two fingers, moved with one, and scrolled; a double tap shows all again', async () => {
    await open({ width: 390, height: 844, hasTouch: true });
    await page.getByLabel('Smoothing').fill('0');
    await plot('Loss').scrollIntoViewIfNeeded();
    const { x, y, width, height } = await boxOf(plot('Loss').locator('.u-over'));
    const at = (share: number) => [x + share * width, y + height / 2] as const;
    const tooltip = page.locator('.tooltip .where').first();
    const all = page.getByRole('button', { name: 'Show all' });
    // One finger where all is shown reads values.
    await drag(page, [at(0.3)], [at(0.8)]);
    const read = Number(/step (\d+)/.exec((await tooltip.textContent())!)![1]);
    expect(read).toBeGreaterThan(28);
    expect(await all.count()).toBe(0);
    // Fingers that move apart from about 0.4 and 0.6 of the axis to its ends show what was between them.
    await drag(page, [at(0.4), at(0.6)], [at(0), at(1)]);
    await all.waitFor(long);
    // By the mouse, whose clicks are none: two taps show all.
    const stepAt = async (share: number) => {
      await page.mouse.move(...at(share));
      return Number(/step (\d+)/.exec((await tooltip.textContent())!)![1]);
    };
    const middle = await stepAt(0.5);
    expect(middle).toBeGreaterThan(16);
    expect(middle).toBeLessThan(25);
    expect((await stepAt(0.95)) - (await stepAt(0.05))).toBeLessThan(14);
    // One finger moves it: from 0.8 to 0.2 of the width, a bit more than half of what is shown.
    await drag(page, [at(0.8)], [at(0.2)]);
    await expect.poll(() => stepAt(0.5)).toBeGreaterThan(middle + 2);
    await page.touchscreen.tap(...at(0.5));
    await page.touchscreen.tap(...at(0.5));
    await all.waitFor({ ...long, state: 'detached' });
    const scrolled = await page.evaluate(() => scrollY);
    await drag(page, [at(0.5)], [[at(0.5)[0], y - 150]]);
    await expect.poll(() => page.evaluate(() => scrollY)).toBeGreaterThan(scrolled + 50);
  });

  it('works by keys alone', async () => {
    await open();
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.textContent')).toMatch('Skip to the charts');
    await plot('Loss').focus();
    await page.keyboard.press('End');
    await page.keyboard.press('ArrowLeft');
    await page.locator('.tooltip').waitFor(long);
    const at = await page.locator('.tooltip .where').first().textContent();
    await page.keyboard.press('ArrowLeft');
    await expect.poll(() => page.locator('.tooltip .where').first().textContent()).not.toBe(at);
    await page.keyboard.press('Escape');
    await page.locator('.tooltip').waitFor({ ...long, state: 'detached' });
  });

  it('pictures by stage, and large', async () => {
    await open();
    await tab('Pictures');
    const image = page.getByRole('img', { name: /similarity of first/ });
    expect(await image.getAttribute('alt')).toBe('similarity of first at step 30');
    await page.getByRole('slider', { name: 'Stage' }).fill('0');
    await expect.poll(() => image.getAttribute('alt')).toBe('similarity of first at step 0');
    await expect.poll(() => image.evaluate((one) => (one as unknown as { naturalWidth: number }).naturalWidth)).toBe(8);
    await page.getByRole('button', { name: /^Enlarge/ }).click();
    await page.keyboard.press('ArrowRight');
    await page.getByRole('dialog', { name: 'similarity of first at step 30' }).waitFor(long);
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ ...long, state: 'detached' });
  });

  it('the report of a comparison as it grows: words, tables and pictures of it, and nothing else', async () => {
    const which = makeComparison(join(root, 'which'));
    await open();
    await tab('Report');
    await page.getByText('The report is written when the first training has been measured').waitFor(long);
    writeReport(which, 1);
    await page.getByRole('heading', { name: 'Comparison: simclr, byol' }).waitFor(long);
    expect(await page.locator('.report tbody th').allTextContents()).toEqual(['row 0']);
    expect(await page.locator('.report').textContent()).toContain('byol < simclr & others');
    expect(faults).toEqual([]);
    writeReport(which, 2, hostile);
    await page.getByText('row 1').waitFor(long);
    expect(await page.locator('.report p').allTextContents()).toEqual([
      'By linear probe: byol < simclr & others.',
      'Accuracy on 20 test images.',
      'a text',
    ]);
    const pictures = page.locator('.report img');
    expect(await pictures.count()).toBe(1);
    await expect.poll(() => pictures.evaluate((one) => (one as HTMLImageElement).naturalWidth)).toBe(80);
    await page.getByRole('button', { name: 'Enlarge The loss of each training.' }).click();
    await page.getByRole('dialog', { name: 'The loss of each training.' }).waitFor(long);
    await page.keyboard.press('Escape');
    expect(await page.evaluate('"ran" in window')).toBe(false);
    expect(await page.locator('.report').isVisible()).toBe(true);
    // What the policy refuses is told there.
    expect(faults.splice(0).filter((fault) => !fault.includes('Content Security Policy'))).toEqual([]);
    rmSync(which, { recursive: true });
    await page.getByRole('button', { name: 'Report' }).waitFor({ ...long, state: 'detached' });
    await plot('Loss').waitFor(long);
  });

  it('settings that differ, and all of them', async () => {
    await open();
    await tab('Settings');
    const rows = () => page.locator('tbody th').allTextContents();
    expect((await rows()).sort()).toEqual(['lr', 'method']);
    await page.getByLabel('Only what differs').uncheck();
    expect(await rows()).toContain('batchSize');
    await tab('Compare');
    await page.getByRole('button', { name: 'Loss', exact: true }).click();
    expect(await page.getByRole('columnheader', { name: 'Loss' }).getAttribute('aria-sort')).toBe('descending');
    expect(await rows()).toEqual(['second', 'first']);
  });

  for (const colorScheme of ['light', 'dark'] as const) {
    it.skipIf(!axe)(
      `has no fault that axe finds, in ${colorScheme} colours${axe ? '' : ' (skipped: no axe-core)'}`,
      async () => {
        const which = makeComparison(join(root, 'which'));
        writeReport(which, 2);
        await open({ colorScheme });
        for (const name of ['Charts', 'Compare', 'Report', 'Pictures', 'Settings']) {
          await tab(name);
          if (name === 'Report') await page.getByText('row 1').waitFor(long);
          expect([name, await axeFaults(page)]).toEqual([name, []]);
        }
        rmSync(which, { recursive: true });
      },
    );
  }

  it('shows by an outline what has the focus, wherever Tab leads', async () => {
    await open();
    const seen = new Set<string>();
    for (let presses = 0; presses < 60; presses++) {
      await page.keyboard.press('Tab');
      const [name, outline] = await page.evaluate(() => {
        const element = document.activeElement!;
        // A radio button lies under its own label, which has the outline in its place.
        const shown = element.matches('.segments input') ? element.nextElementSibling! : element;
        const { outlineStyle, outlineWidth } = getComputedStyle(shown);
        return [element.ariaLabel ?? element.outerHTML.slice(0, 90), `${outlineStyle} ${outlineWidth}`] as const;
      });
      if (name.startsWith('<body')) break;
      expect([name, outline]).toEqual([name, 'solid 2px']);
      seen.add(name);
    }
    expect(seen.size).toBeGreaterThan(15);
  });

  it.each([360, 390, 768, 1280])('no window of %i pixels is scrolled sideways', async (width) => {
    await open({ width, height: 800 });
    for (const name of ['Charts', 'Compare', 'Pictures', 'Settings']) {
      await tab(name);
      const content = await page.evaluate('document.documentElement.scrollWidth');
      expect([name, content]).toEqual([name, width]);
    }
  });
});
