/** A device that is lost in the midst of a training: the browser's process for graphics is gone. */
import { expect, it } from 'vitest';
import { inChromium, missing } from './in_chromium.ts';
import type * as conversations from './worker.ts';

interface Opened {
  readonly program: typeof conversations;
}

const chromium = inChromium({ conversation: 'test/web/worker.ts', worker: 'src/web/worker.ts' });

it.skipIf(missing !== '')(
  `a lost device ends the training, which goes on where it was kept on a new device${missing}`,
  async () => {
    const page = await chromium.open('conversation');
    await page.evaluate(async () => {
      const { Conversation, stripes } = (globalThis as unknown as Opened).program;
      const talk = new Conversation();
      Object.assign(globalThis, { talk });
      await talk.ask({ type: 'open', photos: await stripes(16, 32, 32), imageSize: 32 });
      talk.post({ type: 'train', settings: { batchSize: 8, width: 0.25, epochs: 1000 } });
      await talk.next(({ type }) => type === 'step');
      // The first is kept seconds behind the start.
      const start = performance.now();
      await talk.next((answer) => answer.type === 'step' && performance.now() - start > 8000);
    });
    const session = await chromium.browser().newBrowserCDPSession();
    await session.send('Browser.crashGpuProcess' as never).catch(() => {}); // never answered: the process is gone
    const found = await page.evaluate(async () => {
      const { talk } = globalThis as unknown as { talk: conversations.Conversation };
      const lost = await talk.next(({ type }) => type === 'error');
      const saved = await talk.ask({ type: 'save' });
      const bytes = saved.type === 'weights' ? saved.bytes.length : 0;
      const found = await talk.ask({ type: 'search', query: { photo: 0 }, k: 3 });
      const from = talk.all.length;
      const goingOn = talk.ask({ type: 'continue' });
      const ready = await talk.next(({ type }) => type === 'ready', from);
      await talk.next(({ type }) => type === 'step', from);
      talk.post({ type: 'stop' });
      const stopped = await goingOn;
      const again = await talk.ask({ type: 'train', settings: { batchSize: 8, width: 0.25, steps: 2 } });
      return { lost, bytes, found, ready, stopped, again };
    });
    expect(found.lost).toMatchObject({ kind: 'device-lost', during: 'train', kept: { steps: 2000 } });
    const { step } = (found.lost as { kept: { step: number } }).kept;
    expect(step).toBeGreaterThan(0);
    expect(found.bytes).toBeGreaterThan(100_000);
    expect(found.found).toHaveProperty('neighbours.length', 3);
    expect(found.ready).toMatchObject({ startsAt: step, steps: 2000 });
    expect(found.stopped).toMatchObject({ type: 'finished', interrupted: true });
    expect(found.again).toMatchObject({ type: 'finished', step: 2 });
  },
  300_000,
);
