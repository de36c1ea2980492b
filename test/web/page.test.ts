import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { drag } from '../fingers.ts';
import { goTo, missing, openFolder, pageTests, train } from './page.ts';
import { picture, pictureFolder } from './pictures.ts';

describe.skipIf(missing !== '')(`the page, with a stand-in for its worker${missing}`, { retry: 1 }, () => {
  const { folder, pictures, open } = pageTests();

  it('opens a folder that is dropped, with folders in it: pictures only, and says which cannot be read', async () => {
    const dropped = pictureFolder(join(folder, 'dropped'), 9);
    mkdirSync(join(dropped, 'deep/er'), { recursive: true });
    for (const name of ['notes.txt', '.hidden.png', 'red/.DS_Store']) writeFileSync(join(dropped, name), 'none');
    writeFileSync(join(dropped, 'deep/er/torn.jpg'), 'no picture');
    writeFileSync(join(dropped, 'deep/er/photo.png'), picture(0.1, 3));
    const page = await open('plain');
    await drop(page, [dropped], '#drop');
    await page.locator('#opened').waitFor();
    expect(await page.textContent('#photos-title')).toBe('10 photos');
    expect(await labels(page, '#grid button')).toContain('deep/er/photo.png');
    expect(await page.textContent('#skipped summary')).toBe('1 file could not be read');
    await page.click('#skipped summary');
    expect(await page.textContent('#skipped li')).toMatch(/^deep\/er\/torn\.jpg is no picture/);
    await page.waitForFunction(() => [...document.images].some(({ naturalWidth }) => naturalWidth === 40));
  });

  it('opens photos at the size that suits the GPU, also those that come before it', async () => {
    for (const [scenario, size] of [
      ['plain', '96'],
      ['late', '32'],
    ] as const) {
      const page = await open(scenario);
      await openFolder(page, pictures);
      await goTo(page, 'train');
      expect(await page.locator('#setting-imageSize').inputValue()).toBe(size);
    }
  });

  it('says so where there is no picture, and where none can be read', async () => {
    const page = await open('plain');
    await page.setInputFiles('#files-input', [{ name: 'a.txt', mimeType: 'text/plain', buffer: Buffer.from('a') }]);
    const trouble = page.locator('#view-photos .trouble');
    expect(await trouble.textContent()).toContain('There is no picture among 1 file.');
    await page.setInputFiles('#files-input', [{ name: 'a.png', mimeType: 'image/png', buffer: Buffer.from('a') }]);
    await page.locator('#view-photos .trouble', { hasText: 'None of the files is a picture' }).waitFor();
    await trouble.getByRole('button', { name: 'Dismiss' }).click();
    expect(await trouble.count()).toBe(0);
  });

  it('has elements for those photos only that are near the window, and finds the last by its key', async () => {
    const page = await open('plain');
    await page.evaluate(
      (bytes) => {
        const transfer = new DataTransfer();
        const blob = Uint8Array.from(bytes);
        for (let i = 0; i < 600; i++) transfer.items.add(new File([blob], `${i}.png`, { type: 'image/png' }));
        const input = document.querySelector<HTMLInputElement>('#files-input')!;
        input.files = transfer.files;
        input.dispatchEvent(new Event('change'));
      },
      [...picture(0.5, 2, 8)],
    );
    await page.locator('#opened').waitFor({ timeout: 60_000 });
    expect(await page.textContent('#photos-title')).toBe('600 photos');
    expect(await page.locator('#grid li').count()).toBeLessThan(200);
    await page.locator('#grid button').first().focus();
    await page.keyboard.press('End');
    expect(await focused(page)).toBe('599.png');
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('ArrowLeft');
    expect(await focused(page)).toMatch(/^5[789]\d\.png$/);
    expect(await page.locator('#grid li').count()).toBeLessThan(200);
  });

  it('shows what a training needs, follows it, and names it in the title', async () => {
    const page = await open('slow');
    await openFolder(page, pictures);
    await goTo(page, 'train');
    await page.locator('.fact').first().waitFor();
    expect(await page.locator('.facts').textContent()).toMatch(/Parameters11\.2M.*GPU memory1\.4 GiB.*Steps\d+/);
    await page.getByRole('button', { name: 'Start training' }).click();
    await page.waitForFunction(() => /^\d+ % Training/.test(document.title));
    await page.waitForFunction(() =>
      /^Loss [\d.]+ after [2-9] steps; guessing has /.test(document.querySelector('svg.loss')?.ariaLabel ?? ''),
    );
    expect(await page.locator('.heat').getAttribute('aria-label')).toMatch(/^Matrix of similarities after step \d/);
    expect(await page.locator('.pairs canvas').count()).toBe(16);
    expect(await page.locator('.facts').textContent()).toMatch(
      /Loss\d\.\d{3}guessing: \d\.\d\d.*Pairs found[\d.]+ %.*Time left/,
    );
    expect(await page.locator('#setting-epochs').isDisabled()).toBe(true);
  });

  it('stops, keeps what was learnt, and goes on from there', async () => {
    const page = await open('slow');
    await openFolder(page, pictures);
    await goTo(page, 'train');
    await page.getByRole('button', { name: 'Start training' }).click();
    await page.waitForFunction(() => /after [2-9] steps/.test(document.querySelector('svg.loss')?.ariaLabel ?? ''));
    await page.locator('#activity').getByRole('button', { name: 'Stop' }).click();
    const told = await page.locator('.message', { hasText: /^Stopped after/ }).textContent();
    const stoppedAt = Number(/after (\d+)/.exec(told!)![1]);
    expect(await page.getByRole('link', { name: 'Search the photos' }).isVisible()).toBe(true);
    await page.getByLabel('Epochs').fill('3');
    await page.locator('#plan', { hasText: '11.2M parameters, 1.4 GiB on the GPU, 21 steps.' }).waitFor();
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.waitForFunction(
      (step) => Number(/after (\d+)/.exec(document.querySelector('svg.loss')?.ariaLabel ?? '')?.[1]) > step,
      stoppedAt,
    );
    const steps = await page.locator('.facts').textContent();
    expect(Number(/step (\d+) of/.exec(steps!)![1])).toBeGreaterThan(stoppedAt);
  });

  it('makes a training longer that has come to its end', async () => {
    const page = await open('plain');
    await openFolder(page, pictures);
    await train(page);
    const proceed = page.getByRole('button', { name: /^Continue/ });
    expect(await proceed.textContent()).toBe('Continue to 4 epochs');
    expect(await page.textContent('#longer')).toBe('4 epochs in place of 2: the learning rate stays as it is.');
    await page.getByLabel('Epochs').fill('3');
    expect(await proceed.textContent()).toBe('Continue to 3 epochs');
    const steps = Number(/step (\d+) of/.exec((await page.locator('.facts').textContent())!)![1]);
    await proceed.click();
    await page.locator('.message', { hasText: `Trained: ${1.5 * steps} of ${1.5 * steps} steps` }).waitFor();
    expect(await page.locator('svg.loss').getAttribute('aria-label')).toContain(`after ${1.5 * steps} steps`);
    expect(await proceed.textContent()).toBe('Continue to 6 epochs');
  });

  it('goes on from what is left of a training whose GPU was lost, and saves it', async () => {
    const page = await open('left');
    await openFolder(page, pictures);
    await goTo(page, 'train');
    await page.getByRole('button', { name: 'Start training' }).click();
    const trouble = page.locator('#view-train .trouble');
    await trouble.waitFor();
    expect(await trouble.textContent()).toMatch(/lost in step 5.*go on with the training/);
    await trouble.getByRole('link', { name: 'save the weights' }).click();
    expect(await page.textContent('#weights-there')).toBe('What was trained here, 3 steps.');
    await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Save weights' }).click()]);
    await goTo(page, 'train');
    await trouble.getByRole('link', { name: 'go on with the training' }).click();
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Continue from step 3');
    await page.keyboard.press('Enter');
    await page.locator('.message', { hasText: /^Trained: / }).waitFor();
    expect(await trouble.count()).toBe(0);
  });

  it('warns before a training is left', async () => {
    const page = await open('slow');
    await openFolder(page, pictures);
    await goTo(page, 'train');
    await page.getByRole('button', { name: 'Start training' }).click();
    await page.waitForFunction(() => document.title.includes('Training'));
    const [dialog] = await Promise.all([page.waitForEvent('dialog'), page.close({ runBeforeUnload: true })]);
    expect(dialog.type()).toBe('beforeunload');
    await dialog.dismiss();
    expect(page.isClosed()).toBe(false);
  });

  it('warns before weights are left that were not saved, and not when they were', async () => {
    const page = await open('plain');
    await openFolder(page, pictures);
    await train(page);
    const [dialog] = await Promise.all([page.waitForEvent('dialog'), page.close({ runBeforeUnload: true })]);
    await dialog.dismiss();
    await goTo(page, 'weights');
    await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Save weights' }).click()]);
    await Promise.all([page.waitForEvent('close'), page.close({ runBeforeUnload: true })]);
    expect(page.isClosed()).toBe(true);
  });

  it('has photos decoded to another size, and leaves their pictures', async () => {
    const page = await open('plain');
    await openFolder(page, pictures);
    await page.waitForFunction(() => document.querySelector<HTMLImageElement>('#grid img')?.src);
    const picture = await page.locator('#grid img').first().getAttribute('src');
    await goTo(page, 'train');
    await page.locator('#announcements').evaluate((box) => (box.textContent = ''));
    await page.getByLabel('Image size').selectOption('64');
    await expect.poll(() => page.textContent('#announcements')).toBe('30 photos open.');
    expect(await page.getByLabel('Image size').inputValue()).toBe('64');
    expect(await page.locator('#grid img').first().getAttribute('src')).toBe(picture);
  });

  it('refuses settings that cannot be, beside the field', async () => {
    const page = await open('plain');
    await openFolder(page, pictures);
    await goTo(page, 'train');
    const batch = page.getByLabel('Batch size');
    await batch.fill('31');
    await page.getByRole('button', { name: 'Start training' }).click();
    expect(await page.textContent('#setting-batchSize-fault')).toBe(
      'Batch size must be a whole number from 2 to 30: there are 30 photos.',
    );
    expect(await batch.getAttribute('aria-invalid')).toBe('true');
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('setting-batchSize');
    await batch.fill('30');
    expect(await page.textContent('#setting-batchSize-fault')).toBe('');
    await page.click('summary:has-text("More settings")');
    for (const [label, text, fault] of [
      ['Epochs', 'many', 'Epochs must be a whole number from 1 to 100000.'],
      ['Learning rate', '0', 'Learning rate must be a number above 0 and at most 10.'],
      ['Seed', '1.5', 'Seed must be a whole number from 0 to 2147483647.'],
    ]) {
      const field = page.getByLabel(label, { exact: true });
      await field.fill(text);
      expect(await page.getByText(fault).isVisible()).toBe(true);
      await field.fill('1');
      expect(await page.getByText(fault).count()).toBe(0);
    }
  });

  it('finds similar photos, goes on from one, back, and takes a picture from elsewhere', async () => {
    const page = await open('plain');
    await openFolder(page, pictures);
    await goTo(page, 'search');
    expect(await page.textContent('#search-empty')).toContain('Nothing was learnt');
    await train(page);
    await goTo(page, 'photos');
    await page.getByRole('button', { name: 'green/13.png' }).click();
    await page.locator('.results li').first().waitFor();
    const found = await labels(page, '.results button');
    expect(found).toHaveLength(24);
    // The nine others of its hue come first.
    expect(found.slice(0, 9).filter((label) => / green\//.test(label))).toHaveLength(9);
    expect(found.some((label) => label.includes('green/13.png'))).toBe(false);
    const scores = found.map((label) => Number(/^Similarity (\S+)/.exec(label)![1].replace('−', '-')));
    expect(scores).toEqual([...scores].sort((a, b) => b - a));
    await page.locator('.results button').first().click();
    await page.waitForFunction(() => document.querySelector('.query-name')?.textContent !== 'green/13.png');
    await page.goBack();
    await page.waitForFunction(() => document.querySelector('.query-name')?.textContent === 'green/13.png');
    await page.setInputFiles('#view-search input[type=file]', [
      { name: 'mine.png', mimeType: 'image/png', buffer: picture(2 / 3, 5) },
    ]);
    await page.waitForFunction(() => document.querySelector('.results button')?.textContent.includes('blue/'));
    expect(await page.textContent('.query-name')).toBe('mine.png');
    await page.setInputFiles('#view-search input[type=file]', [
      { name: 'a.txt', mimeType: 'text/plain', buffer: Buffer.from('a') },
    ]);
    expect(await page.locator('#view-search .trouble').textContent()).toContain('a.txt is no picture');
  });

  it('draws a map that is moved, zoomed, pointed at and searched with', async () => {
    const page = await open('plain');
    await openFolder(page, pictures);
    await train(page);
    await goTo(page, 'map');
    const canvas = page.locator('.map-frame canvas');
    // All its pictures are made by then.
    await expect.poll(async () => (await painted(page)).colours, { timeout: 10_000 }).toBeGreaterThan(100);
    await page.waitForTimeout(500);
    const before = await painted(page);
    const { x, y, width, height } = (await canvas.boundingBox())!;
    await page.mouse.move(x + width / 2, y + height / 2);
    await page.mouse.wheel(0, -500);
    await page.waitForTimeout(100);
    expect((await painted(page)).image).not.toBe(before.image);
    await page.getByRole('button', { name: 'Fit all photos' }).click();
    await page.mouse.move(x + 5, y + 5);
    await page.waitForTimeout(100);
    expect((await painted(page)).image).toBe(before.image);
    await page.mouse.move(x + width / 2, y + height / 2);
    await page.mouse.down();
    await page.mouse.move(x + width / 2 + 120, y + height / 2, { steps: 4 });
    await page.mouse.up();
    await page.waitForTimeout(100);
    expect((await painted(page)).image).not.toBe(before.image);
    expect(new URL(page.url()).hash).toBe('#map');
    await canvas.focus();
    await page.keyboard.press('0');
    await page.keyboard.press('ArrowLeft');
    const name = await page.locator('.card-photo .name').textContent();
    expect(name).toMatch(/^(red|green|blue)\/\d+\.png$/);
    await page.keyboard.press('Enter');
    await page.waitForFunction((text) => document.querySelector('.query-name')?.textContent === text, name);
    expect(new URL(page.url()).hash).toMatch(/^#search\/\d+$/);
  });

  it('moves the map with a finger, zooms it with two, and finds similar photos of one that is tapped', async () => {
    const page = await open('plain', { viewport: { width: 390, height: 844 }, hasTouch: true });
    await openFolder(page, pictures);
    await train(page);
    await goTo(page, 'map');
    await expect.poll(async () => (await painted(page)).colours, { timeout: 10_000 }).toBeGreaterThan(100);
    await page.waitForTimeout(500);
    const canvas = page.locator('.map-frame canvas');
    await canvas.scrollIntoViewIfNeeded();
    const { x, y, width, height } = (await canvas.boundingBox())!;
    const at = (right: number, down: number) => [x + right * width, y + down * height] as const;
    const fitted = (await painted(page)).image;
    const changed = async (from: Parameters<typeof drag>[1], to: Parameters<typeof drag>[2]) => {
      const { image } = await painted(page);
      const scrolled = await page.evaluate(() => scrollY);
      await drag(page, from, to);
      await expect.poll(async () => (await painted(page)).image).not.toBe(image);
      expect(await page.evaluate(() => [scrollY, visualViewport?.scale])).toEqual([scrolled, 1]);
    };
    await changed([at(0.5, 0.5)], [at(0.8, 0.7)]);
    await changed([at(0.4, 0.5), at(0.6, 0.5)], [at(0.2, 0.5), at(0.8, 0.5)]);
    expect(new URL(page.url()).hash).toBe('#map');
    await page.getByRole('button', { name: 'Fit all photos' }).tap();
    await expect.poll(async () => (await painted(page)).image).toBe(fitted);
    // Wherever the map has a photo under the pointer.
    const card = page.locator('.card-photo');
    let place = at(0, 0);
    for (let i = 0; i < 400 && !(await card.isVisible()); i++) {
      place = at((i % 20) / 20, Math.floor(i / 20) / 20);
      await page.mouse.move(...place);
    }
    const name = await card.locator('.name').textContent();
    await page.touchscreen.tap(...place);
    await page.waitForFunction(() => location.hash.startsWith('#search/'));
    expect(await page.textContent('.query-name')).toBe(name);
  });

  it('says that a map is under way until there is one', async () => {
    const page = await open('late');
    await openFolder(page, pictures);
    await train(page);
    await goTo(page, 'map');
    await page.locator('.map-wait', { hasText: 'Looking at the photos …' }).waitFor();
    await page.locator('.map-wait').waitFor({ state: 'hidden' });
    await expect.poll(async () => (await painted(page)).colours, { timeout: 10_000 }).toBeGreaterThan(100);
  });

  it('saves weights and features, and loads weights', async () => {
    const page = await open('plain');
    await openFolder(page, pictures);
    await goTo(page, 'weights');
    expect(await page.getByRole('button', { name: 'Save weights' }).isDisabled()).toBe(true);
    const load = (name: string, text: string) =>
      page.setInputFiles('#weights-input', [{ name, mimeType: 'application/octet-stream', buffer: Buffer.from(text) }]);
    await load('wrong.safetensors', 'nothing');
    expect(await page.locator('#view-weights .trouble').textContent()).toContain(
      'wrong.safetensors is no safetensors file',
    );
    await load('mine.safetensors', 'stand-in');
    await page.getByText('mine.safetensors: ResNet-18, cifar stem, 32 × 32 pixels').waitFor();
    expect(await page.locator('#view-weights .trouble').count()).toBe(0);
    const saved = async (label: string) => {
      const [file] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('button', { name: label }).click(),
      ]);
      return [file.suggestedFilename(), readFileSync(await file.path(), 'utf8')];
    };
    expect(await saved('Save weights')).toEqual(['simclr.safetensors', 'stand-in weights']);
    const [name, text] = await saved('Save features');
    expect([name, text.split('\n').length]).toEqual(['features.csv', 32]);
  });

  it('says that it has not started where its program does not run', async () => {
    const page = await open('plain', { javaScriptEnabled: false });
    const notice = page.locator('#not-started');
    expect(await notice.isVisible()).toBe(false);
    await notice.waitFor({ state: 'visible' });
    const started = await open('plain');
    expect(await started.locator('#not-started').count()).toBe(0);
  });

  it('says what is wrong with the GPU, and what can be done', async () => {
    const without = await open('no-webgpu');
    const trouble = without.locator('[data-troubles=device] .trouble');
    await trouble.waitFor();
    expect(await trouble.textContent()).toMatch(/This browser has no WebGPU\..*Yours, Chrom.*Others.*Firefox.*Safari/);
    expect(await without.textContent('#device')).toBe('No GPU');

    const memory = await open('memory');
    await openFolder(memory, pictures);
    await goTo(memory, 'train');
    await memory.locator('#plan.bad', { hasText: 'needs 9.3 GiB' }).waitFor();
    await memory.getByRole('button', { name: 'Start training' }).click();
    await memory.locator('#view-train .trouble').waitFor();
    expect(await memory.locator('#view-train .trouble').textContent()).toMatch(/needs 9\.3 GiB.*Other tabs/);

    const lost = await open('lost');
    await openFolder(lost, pictures);
    await goTo(lost, 'train');
    await lost.getByRole('button', { name: 'Start training' }).click();
    await lost.locator('#view-train .trouble').waitFor();
    expect(await lost.locator('#view-train .trouble').textContent()).toMatch(
      /lost in step 3.*Your photos are still open/,
    );
    expect(
      await lost
        .getByRole('button', { name: 'Train from the start' })
        .or(lost.getByRole('button', { name: 'Start training' }))
        .isEnabled(),
    ).toBe(true);
    await goTo(lost, 'search');
    expect(await lost.textContent('#search-empty')).toContain('Nothing was learnt');
  });

  it.each([
    ['refuses', 'none'],
    ['cannot run', 'throw new Error("not here")'],
  ])('starts its worker from its file where the browser %s a script without an address', async (_, script) => {
    const page = await open(
      'plain',
      {},
      (text) => {
        const make = URL.createObjectURL;
        URL.createObjectURL = (object) => {
          if (!(object instanceof Blob) || object.type !== 'text/javascript') return make(object);
          return text === 'none' ? 'blob:null/none' : make(new Blob([text], { type: object.type }));
        };
      },
      script,
    );
    await page.locator('#device[data-state=good]').waitFor();
    await openFolder(page, pictures);
    expect(await page.textContent('#photos-title')).toBe('30 photos');
  });

  it('cannot connect to anything, its worker neither', async () => {
    const page = await open('connects');
    await openFolder(page, pictures);
    await page.locator('#skipped li').waitFor({ state: 'attached' });
    expect(await page.textContent('#skipped li')).toBe('connection refused');
    expect(
      await page.evaluate(() =>
        fetch('style.css').then(
          () => 'connected',
          () => 'refused',
        ),
      ),
    ).toBe('refused');
  });
});

/** Drops files and folders, as a file manager does. */
async function drop(page: Page, paths: readonly string[], selector: string): Promise<void> {
  const { x, y, width, height } = (await page.locator(selector).boundingBox())!;
  const session = await page.context().newCDPSession(page);
  const data = { items: [], files: [...paths], dragOperationsMask: 1 };
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const) {
    await session.send('Input.dispatchDragEvent', { type, x: x + width / 2, y: y + height / 2, data });
  }
}

const labels = (page: Page, selector: string): Promise<string[]> =>
  page.locator(selector).evaluateAll((all) => all.map((element) => element.ariaLabel ?? element.textContent));

const focused = (page: Page): Promise<string | null | undefined> =>
  page.evaluate(() => document.activeElement?.ariaLabel);

/** What the map shows: its picture, and how many colours it has. */
const painted = (page: Page): Promise<{ readonly image: string; readonly colours: number }> =>
  page.locator('.map-frame canvas').evaluate((element) => {
    const canvas = element as HTMLCanvasElement;
    const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
    return { image: canvas.toDataURL(), colours: new Set(new Uint32Array(data.buffer)).size };
  });
