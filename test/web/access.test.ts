import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { axeFaults } from '../axe_faults.ts';
import { axe } from '../packages.ts';
import { goTo, missing, openFolder, pageTests, train } from './page.ts';

const views = ['photos', 'train', 'search', 'map', 'weights'];

describe.skipIf(missing !== '')(`the page for everybody${missing}`, { retry: 1 }, () => {
  const { pictures, open } = pageTests();

  it('does everything by keyboard', async () => {
    const page = await open('plain');
    await page.keyboard.press('Tab');
    expect(await focusedText(page)).toBe('Skip to the content');
    await page.keyboard.press('Enter');
    const chooser = page.waitForEvent('filechooser');
    await tabTo(page, 'Choose a folder …');
    await page.keyboard.press('Enter');
    await (await chooser).setFiles(pictures);
    await page.locator('#opened').waitFor();

    await tabTo(page, 'Train', { back: true });
    await page.keyboard.press('Enter');
    expect(await focusedText(page)).toBe('Train');
    await tabTo(page, 'Epochs');
    await page.keyboard.press('Control+A');
    await page.keyboard.type('2');
    await tabTo(page, 'Start training');
    await page.keyboard.press('Enter');
    await page.locator('.message', { hasText: /^Trained: / }).waitFor();

    await tabTo(page, 'Photos', { back: true });
    await page.keyboard.press('Enter');
    await tabTo(page, 'blue/2.png');
    await page.keyboard.press('ArrowRight');
    const chosen = await focusedText(page);
    await page.keyboard.press('Enter');
    await page.locator('.results li').first().waitFor();
    expect(await page.textContent('.query-name')).toBe(chosen);
    await tabTo(page, /^Similarity /);
    const first = await focusedText(page);
    await page.keyboard.press('ArrowDown');
    expect(await focusedText(page)).toMatch(/^Similarity /);
    expect(await focusedText(page)).not.toBe(first);
    await page.keyboard.press('Enter');
    await page.waitForFunction((name) => document.querySelector('.query-name')?.textContent !== name, chosen);

    await tabTo(page, 'Map', { back: true });
    await page.keyboard.press('Enter');
    await tabTo(page, 'Map of 30 photos');
    await page.locator('.card-photo').waitFor();
    await page.keyboard.press('+');
    await page.keyboard.press('Enter');
    await page.locator('#view-search').waitFor();
  });

  it('tells those who listen what has happened, and seldom', async () => {
    const page = await open('plain');
    await page.evaluate(() => {
      const heard: string[] = [];
      Object.assign(window, { heard });
      const box = document.querySelector('#announcements')!;
      new MutationObserver(() => box.textContent && heard.push(box.textContent)).observe(box, { childList: true });
    });
    await openFolder(page, pictures);
    await page.waitForTimeout(300);
    await train(page);
    await page.waitForTimeout(300);
    const heard = await page.evaluate(() => (window as unknown as { heard: string[] }).heard);
    expect(heard[0]).toBe('30 photos open.');
    expect(heard.at(-1)).toMatch(/^Trained: /);
    expect(heard.length).toBeLessThan(8);
  });

  for (const colorScheme of ['light', 'dark'] as const) {
    it.skipIf(!axe)(
      `has no fault that axe finds, in ${colorScheme} colours${axe ? '' : ' (skipped: no axe-core)'}`,
      async () => {
        const page = await open('plain', { colorScheme });
        expect(await axeFaults(page)).toEqual([]);
        await openFolder(page, pictures);
        await goTo(page, 'search');
        expect(await axeFaults(page)).toEqual([]);
        await train(page);
        for (const view of views) {
          await goTo(page, view);
          if (view === 'search') await page.locator('.results li').first().waitFor();
          expect([view, await axeFaults(page)]).toEqual([view, []]);
        }
        const without = await open('no-webgpu', { colorScheme });
        await without.locator('.trouble').waitFor();
        expect(await axeFaults(without)).toEqual([]);
        const left = await open('left', { colorScheme });
        await openFolder(left, pictures);
        await goTo(left, 'train');
        await left.getByRole('button', { name: 'Start training' }).click();
        await left.locator('#view-train .trouble').waitFor();
        expect(await axeFaults(left)).toEqual([]);
      },
    );
  }

  it('fits a telephone of 360 pixels, and a window of 1920', async () => {
    for (const width of [360, 1920]) {
      const page = await open('plain', { viewport: { width, height: 740 }, hasTouch: width === 360 });
      expect(await tooWide(page)).toEqual([]);
      await openFolder(page, pictures);
      await train(page);
      for (const view of views) {
        await goTo(page, view);
        if (view === 'search') await page.locator('.results li').first().waitFor();
        expect([view, await tooWide(page)]).toEqual([view, []]);
      }
    }
  });

  it('moves nothing where motion is not wanted', async () => {
    const animation = async (reducedMotion: 'reduce' | 'no-preference') => {
      const page = await open('plain', { reducedMotion });
      return page.evaluate(() => {
        const bar = document.createElement('progress');
        document.body.append(bar);
        return getComputedStyle(bar).animationName;
      });
    };
    expect(await animation('reduce')).toBe('none');
    expect(await animation('no-preference')).not.toBe('none');
  });
});

/** What has the focus, by its name. */
const focusedText = (page: Page): Promise<string> =>
  page.evaluate(() => {
    const { activeElement } = document;
    const label = (activeElement as HTMLInputElement | null)?.labels?.[0]?.textContent;
    return activeElement?.ariaLabel ?? label ?? activeElement?.textContent?.trim() ?? '';
  });

/** Presses Tab until something has the focus, or fails behind as many presses as there is nothing to reach by. */
async function tabTo(page: Page, name: string | RegExp, { back = false } = {}): Promise<void> {
  const met: string[] = [];
  for (let presses = 0; presses < 60; presses++) {
    await page.keyboard.press(back ? 'Shift+Tab' : 'Tab');
    const text = await focusedText(page);
    if (typeof name === 'string' ? text === name : name.test(text)) return;
    met.push(text.slice(0, 40));
  }
  expect.fail(`Tab does not reach ${name}; it reaches ${met.join(' | ')}`);
}

/** What reaches beyond the window: then the page scrolls sideways. */
const tooWide = (page: Page): Promise<string[]> =>
  page.evaluate(() => {
    if (document.documentElement.scrollWidth <= innerWidth) return [];
    const beyond = [...document.querySelectorAll('body *')].filter(
      (element) => element.getBoundingClientRect().right > innerWidth + 1,
    );
    return beyond.map(({ outerHTML }) => outerHTML.slice(0, 100));
  });
