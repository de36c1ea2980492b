import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { run, scratchFolder } from './run.ts';

vi.setConfig({ testTimeout: 600_000 });

const folder = scratchFolder();
const data = join(folder, 'sample');

describe('wrong uses of --minutes', () => {
  it.each([
    [['--minutes', '3', '--steps', '5'], /--minutes cannot be combined with --steps/],
    [['--minutes', '3', '--epochs', '5'], /--minutes cannot be combined with --epochs/],
    [['--minutes', '3', '--resume', 'runs/a'], /--minutes cannot be combined with --resume/],
    [['--minutes', '0'], /--minutes/],
    [['--minutes', '-1'], /--minutes/],
    [['--minutes', 'three'], /--minutes/],
  ])('%s', async (flags, message) => {
    const path = join(folder, 'never');
    const { code, err } = await run('train', '--data', data, ...flags, '--out', path);
    expect(err).toMatch(message);
    const lines = err.trimEnd().split('\n');
    expect(lines.filter((line) => line !== '(simclr train --help lists the options)')).toHaveLength(1);
    expect(code).toBe(2);
    expect(existsSync(path)).toBe(false);
  });
});
