/** The program of docs/browser.md. */
import { expect, it } from 'vitest';
import { inChromium, missing } from './in_chromium.ts';

const chromium = inChromium({ example: 'test/web/example.ts' });

it.skipIf(missing !== '')(
  `docs/examples/photos.mjs trains on files, finds and saves${missing}`,
  async () => {
    const page = await chromium.open('example');
    const { lines, similar, bytes } = await page.evaluate(async () => {
      const { learn, stripes } = (globalThis as unknown as { program: typeof import('./example.ts') }).program;
      const lines: string[] = [];
      const photos = await stripes(16, 48, 36);
      const { similar, weights } = await learn(
        photos.map(({ file }) => file),
        (line) => lines.push(line),
      );
      return { lines, similar, bytes: weights.length };
    });
    expect(lines).toHaveLength(4);
    expect(lines[3]).toMatch(/^step 4 of 4: loss \d+\.\d{3}$/);
    expect(similar).toHaveLength(4);
    expect(similar[0]).toBe('stripes-0.png');
    expect(bytes).toBeGreaterThan(1e6);
  },
  300_000,
);
