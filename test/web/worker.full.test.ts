/** A device that is lost in the midst of a training: the browser's process for graphics is gone. */
import { expect, it } from 'vitest';
import { inChromium, missing } from './in_chromium.ts';
import type * as conversations from './worker.ts';

interface Opened {
  readonly program: typeof conversations;
}

const chromium = inChromium({ conversation: 'test/web/worker.ts', worker: 'src/web/worker.ts' });

it.skipIf(missing !== '')(
  `a lost device ends the training, and the next one has a new device${missing}`,
  async () => {
    const page = await chromium.open('conversation');
    await page.evaluate(async () => {
      const { Conversation, stripes } = (globalThis as unknown as Opened).program;
      const talk = new Conversation();
      Object.assign(globalThis, { talk });
      await talk.ask({ type: 'open', photos: await stripes(16, 32, 32), imageSize: 32 });
      talk.post({ type: 'train', settings: { batchSize: 8, width: 0.25, epochs: 1000 } });
      await talk.next(({ type }) => type === 'step');
    });
    const session = await chromium.browser().newBrowserCDPSession();
    await session.send('Browser.crashGpuProcess' as never).catch(() => {}); // never answered: the process is gone
    const found = await page.evaluate(async () => {
      const { talk } = globalThis as unknown as { talk: conversations.Conversation };
      const lost = await talk.next(({ type }) => type === 'error');
      const again = await talk.ask({ type: 'train', settings: { batchSize: 8, width: 0.25, steps: 2 } });
      return { lost, again };
    });
    expect(found.lost).toMatchObject({ kind: 'device-lost', during: 'train' });
    expect(found.again).toMatchObject({ type: 'finished', step: 2 });
  },
  300_000,
);
