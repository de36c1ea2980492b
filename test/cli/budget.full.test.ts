import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { ensureSampleSet } from '../../src/data/sample/sample.ts';
import { reached, weightsOf } from './resume.ts';
import { run, scratchFolder, start, steps, tiny } from './run.ts';

vi.setConfig({ testTimeout: 600_000, hookTimeout: 300_000 });

const folder = scratchFolder();
const data = join(folder, 'sample');
const settings = ['--data', data, ...tiny, '--checkpoint-steps', '4'];
const settingsOf = (path: string) => JSON.parse(readFileSync(join(path, 'config.json'), 'utf8')).settings;

beforeAll(() => {
  ensureSampleSet(data, { train: 20, test: 20, unlabeled: 50 });
});

describe('a run of so many minutes', () => {
  const sized = join(folder, 'sized');
  let out: string;

  beforeAll(async () => {
    // Too short for more than the fewest steps: the same number on any machine.
    const finished = await run('train', ...settings, '--minutes', '0.01', '--out', sized);
    expect(finished.err).toBe('');
    expect(finished.code).toBe(0);
    out = finished.out.replace(/\s+/g, ' '); // lines are folded to the terminal's width
  });

  it('says how fast the device is and what fits, and records it', () => {
    expect(out).toMatch(
      /note +[\d.]+ steps\/s here; 10 steps fit 0\.01 minutes \(--minutes, --steps or --epochs override\)/,
    );
    expect(settingsOf(sized)).toMatchObject({ steps: 10, epochs: 1 });
    expect(steps(sized)).toHaveLength(10);
  });

  it('is, bit for bit, the run of as many steps that nobody measured: timing leaves no trace in the weights', async () => {
    const counted = join(folder, 'counted');
    const { err } = await run('train', ...settings, '--steps', '10', '--epochs', '1', '--out', counted);
    expect(err).toBe('');
    expect(settingsOf(counted)).toEqual(settingsOf(sized));
    expect(steps(counted)).toEqual(steps(sized));
    expect(weightsOf(counted, 10)).toBe(weightsOf(sized, 10));
  });

  it('killed (SIGKILL) and resumed, has the steps that were recorded, and the same numbers', async () => {
    const path = join(folder, 'killed');
    const started = start(['train', ...settings, '--minutes', '0.01', '--out', path]);
    await reached(started, path, 5);
    started.child.kill('SIGKILL');
    await started.done;
    const { code, err, out: resumed } = await run('train', '--resume', path);
    expect(err).toBe('');
    expect(code).toBe(0);
    expect(resumed).not.toContain('steps/s here');
    expect(steps(path)).toEqual(steps(sized));
    expect(weightsOf(path, 10)).toBe(weightsOf(sized, 10));
  });
});
