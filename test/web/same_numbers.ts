/** A training in Chromium beside the same one in Node, where both are on SwiftShader; and each reads the other's weights. */
import { expect, it } from 'vitest';
import type { GivenSettings } from '../../src/train/settings.ts';
import { adapters } from '../ops/harness.ts';
import { inChromium, missing } from './in_chromium.ts';
import { embedInChromium, trainInChromium } from './run_training.ts';
import { embedPictures, trainPictures } from './training.ts';

const swiftShader = adapters.find((name) => /swiftshader/i.test(name));
const skipped = missing || (swiftShader ? '' : ' (skipped: Node has no SwiftShader)');

/** Losses, the file of weights and features have to be equal, digit for digit. */
export function testSameNumbers(
  title: string,
  settings: GivenSettings & { readonly steps: number },
  count: number,
): void {
  const chromium = inChromium({ training: 'test/web/training.ts' });
  const test = async () => {
    const page = await chromium.open('training');
    const there = await trainInChromium(page, settings, count);
    const here = await trainPictures(settings, count, swiftShader);
    expect(there.adapter).toMatch(/swiftshader/i);
    expect(here.losses).toHaveLength(settings.steps);
    expect(there.losses).toEqual(here.losses);
    expect(Buffer.compare(there.weights, here.weights)).toBe(0);
    expect(there.features).toEqual(here.features);
    // Each embeds with the file of the other.
    expect(await embedPictures(there.weights, count, swiftShader)).toEqual(here.features);
    expect(await embedInChromium(page, here.weights, count)).toEqual(there.features);
  };
  it.skipIf(skipped !== '')(`${title}: losses, weights and features are those of Node${skipped}`, test, 600_000);
}
