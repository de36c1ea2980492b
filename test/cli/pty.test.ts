/** The command line in a terminal: nothing that it shows is broken by the terminal's edge. */
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { ensureSampleSet } from '../../src/data/sample/sample.ts';
import { canOpenTerminal, shown, tooWide } from './pty.ts';
import { scratchFolder, tiny } from './run.ts';

vi.setConfig({ testTimeout: 300_000 });

const folder = scratchFolder();

describe.skipIf(!canOpenTerminal)(`in a terminal${canOpenTerminal ? '' : ' (skipped: no python3 to open one)'}`, () => {
  it('train: 40 columns', async () => {
    ensureSampleSet(join(folder, 's'), { train: 10, test: 10, unlabeled: 12 });
    const { text, status } = await shown(
      '40',
      ['train', '--data', 's', ...tiny, '--width', '1', '--epochs', '1', '--out', 'a'],
      folder,
    );
    expect(status, text).toBe(0);
    expect(tooWide(text, 40)).toEqual([]);
    expect(text).toMatch(/\repoch 1\/1 {2}█*░+ {2}2\/3 {2}.*ETA \d+:\d\d/);
    expect(text).toMatch(/next:\r\n(.*\r\n)+.*export \\\r\n.*--checkpoint/);
  });

  it.each([
    ['TERM', 'dumb'],
    ['NO_COLOR', '1'],
  ])('%s=%s: no escapes', async (name, value) => {
    const { text, status } = await shown('80', ['data', 'sample', '--out', name], folder, { [name]: value });
    expect(status, text).toBe(0);
    expect(text).not.toContain('␛');
    expect(text.includes('░')).toBe(name === 'NO_COLOR');
    expect(tooWide(text, 80)).toEqual([]);
  });

  it('TERM=dumb: no escapes in help and errors', async () => {
    for (const [args, code] of [
      [['train', '--help'], 0],
      [['train', '--data', ''], 2],
      [['export', '--checkpoint', 'none\x1b[31m'], 1],
    ] as const) {
      const { text, status } = await shown('80', args, folder, { TERM: 'dumb', FORCE_COLOR: undefined });
      expect(status, text).toBe(code);
      expect(text).not.toContain('␛');
    }
  });
});
