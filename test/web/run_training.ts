/** `training.ts` in a page of Chromium. */
import type { Page } from 'playwright-core';
import type { GivenSettings } from '../../src/train/settings.ts';
import type * as training from './training.ts';

type Trained = training.Trained;

/** What a page of `inChromium` has. */
interface Opened {
  readonly program: typeof training;
}

/** Bytes as text: arrays of millions of numbers pass slowly from a page. */
const fromBase64 = (text: string): Uint8Array<ArrayBuffer> => new Uint8Array(Buffer.from(text, 'base64'));
const toFloats = (bytes: Uint8Array<ArrayBuffer>): Float32Array => new Float32Array(bytes.buffer);

export async function trainInChromium(page: Page, settings: GivenSettings, count: number): Promise<Trained> {
  const { weights, features, ...rest } = await page.evaluate(
    async ([given, pictures]) => {
      const { base64, trainPictures } = (globalThis as unknown as Opened).program;
      const { weights, features, adapter, losses } = await trainPictures(given, pictures);
      return { adapter, losses, weights: await base64(weights), features: await base64(features) };
    },
    [settings, count] as const,
  );
  return { ...rest, weights: fromBase64(weights), features: toFloats(fromBase64(features)) };
}

export async function embedInChromium(page: Page, weights: Uint8Array, count: number): Promise<Float32Array> {
  const features = await page.evaluate(
    async ([text, pictures]) => {
      const { base64, embedPictures } = (globalThis as unknown as Opened).program;
      const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
      return base64(await embedPictures(bytes, pictures));
    },
    [Buffer.from(weights).toString('base64'), count] as const,
  );
  return toFloats(fromBase64(features));
}
