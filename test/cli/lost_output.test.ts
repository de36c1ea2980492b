/** Output that nobody takes any more costs no work. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { ensureSampleSet } from '../../src/data/sample/sample.ts';
import { canOpenTerminal, shown } from './pty.ts';
import { metrics, run, scratchFolder, tiny } from './run.ts';

vi.setConfig({ testTimeout: 300_000 });

const folder = scratchFolder();
const data = join(folder, 'sample');
const train = ['train', '--data', data, ...tiny];
const checkpoints = (path: string) => readdirSync(join(path, 'checkpoints'));

beforeAll(() => {
  ensureSampleSet(data, { train: 10, test: 10, unlabeled: 12 });
});

describe.skipIf(!canOpenTerminal)(`a terminal that is closed${canOpenTerminal ? '' : ' (skipped: no python3)'}`, () => {
  it('stops a run as Ctrl-C does: saved, and to be resumed', async () => {
    const path = join(folder, 'closed');
    const { status } = await shown('80,closed', [...train, '--epochs', '10', '--out', path], folder);
    expect(status).toBe(129);
    expect(checkpoints(path)).toHaveLength(1);
    expect(await run('train', '--resume', path)).toMatchObject({ code: 0, err: '' });
    expect(metrics(path).filter(({ type }) => type === 'step')).toHaveLength(30);
  });
});

describe.skipIf(!existsSync('/dev/full'))('a full disk behind stdout', () => {
  const redirected = (words: readonly string[], redirection: string) => {
    const script = `exec "$@" ${redirection}`;
    return spawnSync('sh', ['-c', script, 'sh', process.execPath, resolve('dist/cli.js'), ...words], {
      encoding: 'utf8',
    });
  };
  const complaint = /^simclr: stdout cannot be written \(ENOSPC: [^\n]*\); its output is incomplete\n$/;

  it('costs a run nothing; it is told once, and by the exit code', () => {
    const path = join(folder, 'full');
    const { status, stderr } = redirected([...train, '--steps', '2', '--out', path], '> /dev/full');
    expect(stderr).toMatch(complaint);
    expect(status).toBe(1);
    expect(checkpoints(path)).toEqual(['step-00000002.safetensors']);
  });

  it('is told of what was to be printed', () => {
    const { status, stderr } = redirected(['info'], '> /dev/full');
    expect(stderr).toMatch(complaint);
    expect(status).toBe(1);
  });

  it('behind stderr too is borne', () => {
    const { status } = redirected(['train', '--data', join(folder, 'nothing')], '> /dev/full 2> /dev/full');
    expect(status).toBe(1);
  });
});
