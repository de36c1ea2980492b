import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { checkUnlocked, holderOf, lockFolder } from '../../src/io/folder_lock.ts';
import { scratchFolder } from '../cli/run.ts';

const scratch = scratchFolder();
const script = join(resolve('dist'), 'folder-lock-test.mjs');

beforeAll(async () => {
  // Bundled beside the program, so that it finds the native package from there.
  await build({
    stdin: {
      contents: `import { lockFolder } from './src/io/folder_lock.ts';
        lockFolder(process.argv[2], process.argv[3] === 'none' ? null : undefined);
        console.log('locked');
        setInterval(() => {}, 1000);`,
      resolveDir: resolve('.'),
    },
    outfile: script,
    bundle: true,
    format: 'esm',
    platform: 'node',
    packages: 'external',
  });
});

/** Locks a folder in a process of its own. */
async function holder(path: string, locks: 'system' | 'none'): Promise<ChildProcess> {
  const child = spawn(process.execPath, [script, path, locks], { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise((settle) => child.stdout!.once('data', settle));
  return child;
}

const killed = (child: ChildProcess) =>
  new Promise((settle) => {
    child.once('close', settle);
    child.kill('SIGKILL');
  });

describe.each(['system', 'none'] as const)('a lock on a folder (locks of the %s)', (locks) => {
  const native = locks === 'none' ? null : undefined;
  const lock = (path: string) => (native === null ? lockFolder(path, null) : lockFolder(path));
  const fresh = (name: string) => {
    const path = join(scratch, `${locks}-${name}`);
    mkdirSync(path);
    return path;
  };

  it('is held by one process, and free at once when that is killed', async () => {
    const path = fresh('killed');
    const child = await holder(path, locks);
    expect(() => lock(path)).toThrow(`${path}: process ${child.pid} is training in this folder`);
    await killed(child);
    expect(existsSync(join(path, 'run.lock'))).toBe(true); // left behind
    lock(path)();
    expect(readdirSync(path)).toEqual([]);
  });

  it.skipIf(process.platform !== 'linux')(
    'is not held by a process that has ended and whose parent does not notice',
    async () => {
      const path = fresh('zombie');
      // The shell becomes a program that waits for no child.
      const words = ['-c', '"$@" & exec sleep 60', 'sh', process.execPath, script, path, locks];
      const parent = spawn('sh', words, { stdio: ['ignore', 'pipe', 'inherit'] });
      await new Promise((settle) => parent.stdout.once('data', settle));
      expect(holderOf(path)).toBe('here');
      const { pid } = JSON.parse(readFileSync(join(path, 'run.lock'), 'utf8')) as { pid: number };
      process.kill(pid, 'SIGKILL');
      while (!/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))) await new Promise((wake) => setTimeout(wake, 5));
      expect(holderOf(path)).toBe('gone');
      // Its other threads may live a moment longer, and hold the system's lock.
      await vi.waitFor(() => lock(path)());
      await killed(parent);
    },
  );

  it('is not held by a process that has the number of one that is gone', async () => {
    const path = fresh('recycled');
    const child = await holder(path, locks);
    const left = readFileSync(join(path, 'run.lock'), 'utf8');
    await killed(child);
    // The parent of this process is alive, and did not start when the holder did.
    writeFileSync(join(path, 'run.lock'), left.replace(`"pid":${child.pid}`, `"pid":${process.ppid}`));
    lock(path)();
  });

  it('is not held by what older versions, other machines or accidents leave', () => {
    const path = fresh('left');
    const other = JSON.stringify({ pid: process.pid, host: `not-${hostname()}`, started: 'x' });
    for (const left of [String(process.ppid), other, '', 'garbage', '{"pid":1}']) {
      writeFileSync(join(path, 'run.lock'), left);
      lock(path)();
      expect(readdirSync(path), left).toEqual([]);
    }
  });

  it('is held within one process too, until it is released', () => {
    const path = fresh('twice');
    const unlock = lock(path);
    expect(() => lock(path)).toThrow(/is training in this folder/);
    unlock();
    lock(path)();
  });
});

it('looking whether a folder is locked changes nothing', () => {
  const path = join(scratch, 'looked');
  mkdirSync(path);
  checkUnlocked(path);
  expect(readdirSync(path)).toEqual([]);
  const unlock = lockFolder(path);
  const text = readFileSync(join(path, 'run.lock'), 'utf8');
  expect(() => checkUnlocked(path)).toThrow(/is training in this folder/);
  expect(readFileSync(join(path, 'run.lock'), 'utf8')).toBe(text);
  unlock();
});
