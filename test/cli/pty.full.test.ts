/** What `pty.test.ts` shows of one command and width, of others. */
import { join } from 'node:path';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { ensureSampleSet } from '../../src/data/sample/sample.ts';
import { canOpenTerminal, shown, tooWide } from './pty.ts';
import { run, scratchFolder, tiny } from './run.ts';

vi.setConfig({ testTimeout: 900_000, hookTimeout: 300_000 });

const folder = scratchFolder();
const train = (out: string) => ['train', '--data', join(folder, 's'), ...tiny, '--epochs', '1', '--out', out];

describe.skipIf(!canOpenTerminal)(`in a terminal${canOpenTerminal ? '' : ' (skipped: no python3 to open one)'}`, () => {
  beforeAll(async () => {
    ensureSampleSet(join(folder, 's'), { train: 20, test: 20, unlabeled: 12 });
    const { code, err } = await run(...train(join(folder, 'a')));
    expect(code, err).toBe(0);
  });

  it('train: made narrower, from 80 columns to 60', async () => {
    const { text, status } = await shown('80,60', train('b'), folder);
    expect(status, text).toBe(0);
    const [before, after] = text.split('\0');
    expect(tooWide(before, 80)).toEqual([]);
    // A bar may be on its way while the terminal changes.
    const settled = after.slice(after.indexOf('\r', after.indexOf('\r') + 1));
    expect(tooWide(settled, 60)).toEqual([]);
  });

  it('errors stand in a line of their own, not behind the bar', async () => {
    const { text, status } = await shown('80', [...train('c'), '--lr', '1e30'], folder);
    expect(status, text).toBe(1);
    expect(text).toMatch(/\r␛\[Jsimclr: step \d/);
  });

  it.each([80, 60, 40])('info, embed and eval: %i columns', async (columns) => {
    const adapter = tiny.slice(-2);
    const encoder = ['--checkpoint', 'a/checkpoints/step-00000003.safetensors', '--data', 's', ...adapter];
    const commands = [
      ['info', ...adapter],
      ['embed', ...encoder],
      ...['knn', 'neighbors', 'linear', 'kmeans', 'robustness'].map((name) => ['eval', name, ...encoder]),
    ];
    for (const args of commands) {
      const { text, status } = await shown(String(columns), args, folder);
      expect(status, text).toBe(0);
      expect(tooWide(text, columns), args.join(' ')).toEqual([]);
    }
  });
});
