/** Folders that may not be read. Tests may run as a user who may read everything, so that the system's refusal is made up. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { openDataset } from '../../src/data/dataset.ts';
import { UserError } from '../../src/errors.ts';
import { systemError } from '../../src/io/file_errors.ts';
import { picture, temporaryFolder, writeTree } from './helpers.ts';

const denied = vi.hoisted(() => ({ path: '', calls: [] as string[] }));
vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof import('node:fs/promises')>();
  const guard =
    (name: 'readdir' | 'realpath' | 'stat') =>
    (path: string, ...rest: unknown[]) =>
      path === denied.path && denied.calls.includes(name)
        ? Promise.reject(Object.assign(new Error(`EACCES: permission denied, ${name} '${path}'`), { code: 'EACCES' }))
        : (real[name] as (...args: unknown[]) => unknown)(path, ...rest);
  const calls = { readdir: guard('readdir'), realpath: guard('realpath'), stat: guard('stat') };
  return { ...real, ...calls, default: { ...real, ...calls } };
});

const folder = temporaryFolder();
const open = () => openDataset(folder, { split: 'unlabeled', size: 16 });

describe('a folder that may not be read', () => {
  it.each(['readdir', 'stat', 'realpath'])('is told in a sentence (%s)', async (call) => {
    Object.assign(denied, { path: folder, calls: [call] });
    const error = await open().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(UserError);
    expect((error as Error).message).toBe(`cannot read ${folder}: permission denied; check its permissions`);
  });

  it.each(['readdir', 'realpath'])('among others is skipped and told (%s)', async (call) => {
    writeTree(folder, {
      'seen.png': await picture(16, 16, () => [1, 2, 3])
        .png()
        .toBuffer(),
    });
    mkdirSync(join(folder, 'closed'), { recursive: true });
    Object.assign(denied, { path: join(folder, 'closed'), calls: [call] });
    const { train } = await open();
    expect(train.count).toBe(1);
    expect(train.skipped).toMatchObject([{ file: 'closed', reason: expect.stringContaining('cannot be read') }]);
  });
});

describe('systemError', () => {
  it('puts a failed call into words that nobody else has', () => {
    const made = (fields: object) => Object.assign(new Error('x'), fields);
    expect(systemError(made({ code: 'EACCES', syscall: 'scandir', path: '/a' }))?.message).toBe(
      'cannot read /a: permission denied; check its permissions',
    );
    expect(systemError(made({ code: 'ENOSPC', syscall: 'write', path: '/a' }))?.message).toMatch(
      /^cannot write \/a: no/,
    );
    expect(systemError(made({ code: 'ERR_INVALID_ARG_TYPE', path: '/a' }))).toBeUndefined();
    expect(systemError(made({ code: 'ECONNRESET' }))).toBeUndefined();
    expect(systemError(undefined)).toBeUndefined();
  });
});
