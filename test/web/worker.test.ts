/** The worker behind the page: a whole conversation, and what goes wrong. */
import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { executablePath } from '../chromium.ts';
import { playwright } from '../packages.ts';
import { inChromium, missing } from './in_chromium.ts';
import type * as conversations from './worker.ts';

interface Opened {
  readonly program: typeof conversations;
}

const entries = { conversation: 'test/web/worker.ts', worker: 'src/web/worker.ts' };
const chromium = inChromium(entries);

it.skipIf(missing !== '')(
  `opens, trains, stops, goes on, searches, maps, saves, loads${missing}`,
  async () => {
    const page = await chromium.open('conversation');
    const told = await page.evaluate(async () => {
      const { program } = globalThis as unknown as Opened;
      const { broken, Conversation, stripes } = program;
      const talk = new Conversation();
      const device = await talk.next(({ type }) => type === 'device');
      const photos = await stripes(24, 60, 40);
      const opened = await talk.ask({ type: 'open', photos: [broken(), ...photos], imageSize: 32 });
      const settings = { batchSize: 8, width: 0.25, steps: 6, epochs: 2 };
      const planned = await talk.ask({ type: 'plan', settings });
      const from = talk.all.length;
      const finished = talk.ask({ type: 'train', settings });
      await talk.next(({ type }) => type === 'step', from);
      const early = talk.ask({ type: 'search', query: { photo: 0 }, k: 3 });
      const refused = await talk.ask({ type: 'open', photos, imageSize: 32 });
      await early;
      talk.post({ type: 'stop' });
      const stopped = await finished;
      const ended = await talk.ask({ type: 'continue' });
      const again = await talk.ask({ type: 'continue' });
      const longer = await talk.ask({ type: 'continue', epochs: 3 });
      const near = await talk.ask({ type: 'search', query: { photo: 1 }, k: 3 });
      const asFile = await talk.ask({ type: 'search', query: { file: photos[1].file }, k: 1 });
      const pca = await talk.ask({ type: 'map', layout: 'pca' });
      const tsne = await talk.ask({ type: 'map', layout: 'tsne' });
      const features = await talk.ask({ type: 'features' });
      const weights = await talk.ask({ type: 'save' });
      if (weights.type !== 'weights' || features.type !== 'features') throw new Error('no files');
      const table = new TextDecoder().decode(features.bytes);
      const loaded = await talk.ask({ type: 'load', name: weights.name, bytes: weights.bytes.slice().buffer });
      const after = await talk.ask({ type: 'features' });
      const same = after.type === 'features' && new TextDecoder().decode(after.bytes) === table;
      const lines = table.trim().split('\n');
      return {
        ...{ device, opened, planned, refused, stopped, ended, again, longer, near, asFile, loaded, same },
        ...{ pca, tsne, weights: { name: weights.name, bytes: weights.bytes.length } },
        table: { rows: lines.length, head: lines[0].split(',').slice(0, 2), name: lines[1].split(',')[0] },
        early: (await early).type,
        types: talk.types(),
        steps: talk.all.flatMap((answer) => (answer.type === 'step' ? [answer.step] : [])),
        readies: talk.all.filter(({ type }) => type === 'ready'),
        pairs: talk.all.flatMap((answer) =>
          answer.type === 'pairs' ? [answer.rgba.length / (4 * answer.size ** 2)] : [],
        ),
        maps: talk.all.filter((answer) => answer.type === 'map-progress' && answer.positions).length,
      };
    });
    expect(told.device).toMatchObject({
      type: 'device',
      adapter: expect.stringMatching(/swiftshader/i),
      software: true,
    });
    expect(told.opened).toMatchObject({ type: 'opened', imageSize: 32, skipped: [{ name: 'folder/notes.jpg' }] });
    expect(told.opened).toHaveProperty('places.0', 1);
    expect(told.planned).toMatchObject({ type: 'planned', method: 'simclr', steps: 6, stepsPerEpoch: 3, batchSize: 8 });
    expect(told.refused).toMatchObject({ type: 'error', kind: 'input', during: 'open' });
    expect(told.early).toBe('neighbours');
    expect(told.stopped).toMatchObject({ type: 'finished', interrupted: true, steps: 6 });
    expect(told.ended).toMatchObject({ type: 'finished', interrupted: false, step: 6, steps: 6 });
    expect(told.again).toMatchObject({ type: 'error', kind: 'input', during: 'continue' });
    expect(told.longer).toMatchObject({ type: 'finished', interrupted: false, step: 9, steps: 9 });
    expect(told.steps).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(told.readies).toMatchObject([
      { startsAt: 0, notes: [] },
      { startsAt: expect.any(Number), notes: [] },
      {
        startsAt: 6,
        steps: 9,
        notes: [expect.stringMatching(/^extended from 6 to 9 steps; /), expect.stringMatching(/^the cosine/)],
      },
    ]);
    expect(told.near).toHaveProperty('neighbours.length', 3);
    // A file that is one of the photos finds itself.
    expect(told.asFile).toMatchObject({ neighbours: [{ photo: 1, similarity: expect.closeTo(1, 4) }] });
    // A longer training is made anew.
    expect(told.pairs).toEqual([16, 16]);
    expect(told.maps).toBeGreaterThan(5);
    expect(told.pca).toMatchObject({ type: 'map', interrupted: false });
    expect(told.tsne).toMatchObject({ type: 'map', interrupted: false });
    expect(told.table).toEqual({ rows: 25, head: ['file', 'f0'], name: 'folder/stripes-0.png' });
    expect(told.loaded).toMatchObject({ type: 'loaded', imageSize: 32, encoder: 'resnet18 of width 0.25' });
    expect(told.same).toBe(true);
    expect(told.types).toEqual(expect.arrayContaining(['decoding', 'compiling', 'epoch', 'similarity', 'pairs']));
  },
  600_000,
);

/** Opens photos and trains; what that ends with. */
const trainIn = (page: Page, settings: Record<string, number>, imageSize: number): Promise<unknown> =>
  page.evaluate(
    async ([given, size]) => {
      const { Conversation, stripes } = (globalThis as unknown as Opened).program;
      const talk = new Conversation();
      await talk.next(({ type }) => type === 'device' || type === 'error');
      await talk.ask({ type: 'open', photos: await stripes(32, 64, 64), imageSize: size });
      return talk.ask({ type: 'train', settings: given });
    },
    [settings, imageSize] as const,
  );

it.skipIf(missing !== '')(
  `what does not fit is told before the first step, as are wrong settings${missing}`,
  async () => {
    const page = await chromium.open('conversation');
    const answer = await trainIn(page, { batchSize: 32, width: 4 }, 512);
    expect(answer).toMatchObject({ type: 'error', kind: 'memory', during: 'train' });
    expect(await trainIn(page, { batchSize: 64 }, 32)).toMatchObject({
      kind: 'input',
      message: expect.stringContaining('64'),
    });
    expect(await trainIn(page, { lr: -1 }, 32)).toMatchObject({
      kind: 'input',
      message: expect.stringContaining('lr'),
    });
  },
);

it.skipIf(missing !== '')(
  `without WebGPU it says what to do${missing}`,
  async () => {
    const browser = await playwright!.chromium.launch({
      executablePath: executablePath!,
      args: ['--no-sandbox', '--disable-features=WebGPU', '--disable-gpu'],
    });
    try {
      const page = await browser.newPage();
      await page.goto(`${chromium.url()}conversation.html`);
      await page.waitForFunction(() => 'program' in globalThis);
      const answer = await page.evaluate(() =>
        new (globalThis as unknown as Opened).program.Conversation().next(({ type }) => type === 'error'),
      );
      expect(answer).toMatchObject({ kind: 'no-webgpu', message: expect.stringMatching(/WebGPU/) });
    } finally {
      await browser.close();
    }
  },
  300_000,
);
