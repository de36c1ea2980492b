import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { drawImages, reached, resumable, tensors } from './resume.ts';
import { run, scratchFolder, start, steps } from './run.ts';

// Each start compiles all kernels, on two cores that other tests use too.
vi.setConfig({ testTimeout: 600_000 });

const folder = scratchFolder();
const data = join(folder, 'sample');
const settings = resumable(data);

/** `toEqual` takes minutes for eleven million numbers. */
const bytes = (tensor?: { readonly data: ArrayBufferView }): Buffer => {
  const { buffer, byteOffset, byteLength } = tensor?.data ?? new Uint8Array(0);
  return Buffer.from(buffer, byteOffset, byteLength);
};

describe('a run that is stopped and resumed is the run that was not stopped', () => {
  it('killed (SIGKILL) at three random steps: the same numbers, the same weights', async () => {
    drawImages(data);
    const straight = join(folder, 'straight');
    expect(await run('train', ...settings, '--out', straight)).toMatchObject({ code: 0, err: '' });
    const path = join(folder, 'killed');
    let started = start(['train', ...settings, '--out', path]);
    const kills = [2, 7, 12].map((first) => first + Math.floor(Math.random() * 4));
    for (const kill of kills) {
      await reached(started, path, kill);
      started.child.kill('SIGKILL');
      await started.done;
      started = start(['train', '--resume', path]);
    }
    const { code, err } = await started.done;
    expect(err, `killed at ${kills}`).toBe('');
    expect(code).toBe(0);
    expect(steps(path), `killed at ${kills}`).toEqual(steps(straight));
    const [ours, theirs] = [tensors(path, 16), tensors(straight, 16)];
    expect([...theirs.keys()].filter((name) => !bytes(ours.get(name)).equals(bytes(theirs.get(name))))).toEqual([]);
  });
});
