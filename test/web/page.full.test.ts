/** The page with its own worker, on real photographs, from the folder to a file that the command line reads. */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { describe, expect, it, vi } from 'vitest';
import { run } from '../cli/run.ts';
import { goTo, missing, openFolder, pageTests } from './page.ts';

vi.setConfig({ testTimeout: 900_000 });

const photos = '../shared/data/clothing96/test';
const why = missing || (existsSync(photos) ? '' : ` (skipped: ${photos} is not here)`);

describe.skipIf(why !== '')(`the page on real photographs${why}`, { retry: 1 }, () => {
  const { folder, open } = pageTests('src/web/worker.ts');

  it('trains, searches and maps; the command line computes the same features with the weights that it saves', async () => {
    const chosen = someOf(photos, join(folder, 'photos'), 3);
    const page = await open('real');
    page.setDefaultTimeout(300_000);
    await openFolder(page, chosen);
    await goTo(page, 'train');
    await page.getByLabel('Image size').selectOption('96');
    await page.waitForFunction(() => document.querySelector<HTMLElement>('#activity')!.hidden);
    await page.getByLabel('Network').selectOption('0.25');
    await page.getByLabel('Batch size').fill('8');
    await page.getByLabel('Epochs').fill('2');
    await page.getByRole('button', { name: 'Start training' }).click();
    await page.locator('.message', { hasText: 'Trained: 6 of 6 steps' }).waitFor();
    expect(await page.locator('svg.loss').getAttribute('aria-label')).toMatch(
      /^Loss \d\.\d\d after 6 steps; guessing has 2\.71$/,
    );
    expect(await page.locator('.heat').getAttribute('aria-label')).toMatch(/^Matrix of similarities after step 6/);
    expect(await page.locator('.pairs canvas').count()).toBe(16);

    await goTo(page, 'search');
    await page.locator('.results li').first().waitFor();
    expect(await page.locator('.results li').count()).toBe(24);
    await goTo(page, 'map');
    await mapIsDrawn(page);
    await page.getByText('t-SNE').click();
    await mapIsDrawn(page);

    await goTo(page, 'weights');
    const weights = join(folder, 'page.safetensors');
    await save(page, 'Save weights', weights);
    const first = join(folder, 'first.csv');
    await save(page, 'Save features', first);

    const again = await open('real');
    again.setDefaultTimeout(300_000);
    await goTo(again, 'weights');
    await again.setInputFiles('#weights-input', weights);
    await again.getByText('page.safetensors: resnet18 of width 0.25').waitFor();
    await goTo(again, 'photos');
    await openFolder(again, chosen);
    await goTo(again, 'weights');
    const second = join(folder, 'second.csv');
    await save(again, 'Save features', second);
    expect(difference(features(second), features(first))).toBe(0);

    const third = join(folder, 'third.csv');
    const { code, err } = await run('embed', '--checkpoint', weights, '--data', chosen, '--out', third);
    expect(code, err).toBe(0);
    expect(difference(features(third), features(first))).toBeLessThan(1e-4);
  });
});

/** Copies the first photos of each class. */
function someOf(from: string, to: string, each: number): string {
  for (const kind of readdirSync(from)) {
    mkdirSync(join(to, kind), { recursive: true });
    for (const name of readdirSync(join(from, kind)).sort().slice(0, each))
      cpSync(join(from, kind, name), join(to, kind, name));
  }
  return to;
}

async function mapIsDrawn(page: Page): Promise<void> {
  await page.waitForFunction(() => {
    const canvas = document.querySelector<HTMLCanvasElement>('.map-frame canvas')!;
    const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
    const done = document.querySelector<HTMLElement>('#activity')!.hidden;
    return done && new Set(new Uint32Array(data.buffer)).size > 500;
  });
}

async function save(page: Page, label: string, path: string): Promise<void> {
  const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: label }).click()]);
  await file.saveAs(path);
}

/** Features by the names of their files, of a table that the page or the command line wrote. */
function features(path: string): Map<string, number[]> {
  const [head, ...rows] = readFileSync(path, 'utf8').trim().split(/\r?\n/);
  const first = head.split(',').indexOf('f0');
  return new Map(rows.map((row) => row.split(',')).map((cells) => [cells[0], cells.slice(first).map(Number)]));
}

/** The greatest difference of two photos' features, relative to the greatest feature. */
function difference(some: Map<string, number[]>, others: Map<string, number[]>): number {
  expect([...some.keys()].sort()).toEqual([...others.keys()].sort());
  const pairs = [...some].flatMap(([name, values]) => values.map((value, i) => [value, others.get(name)![i]]));
  const greatest = Math.max(...pairs.map(([, value]) => Math.abs(value)));
  return Math.max(...pairs.map(([a, b]) => Math.abs(a - b))) / greatest;
}
