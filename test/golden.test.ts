/**
 * Values that PyTorch computed: every `.safetensors` file in the folder GOLDEN_DIR (`../shared/golden` beside the project, by
 * default) is checked by `test/golden/<op>.ts`, where <op> is what the file's metadata say.
 */
import { existsSync, readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Device, type GoldenCheck, GoldenFile } from './golden/harness.ts';
import { onEveryAdapter } from './ops/harness.ts';

const folder = resolve(import.meta.dirname, '..', process.env['GOLDEN_DIR'] ?? '../shared/golden');
const modules = import.meta.glob<{ default: GoldenCheck }>(['./golden/*.ts', '!./golden/harness.ts'], { eager: true });
const checks = new Map(
  Object.entries(modules).map(([path, module]) => [/([^/]+)\.ts$/.exec(path)![1], module.default]),
);

if (!existsSync(folder)) {
  const reason = `there is no folder ${folder}; set GOLDEN_DIR`;
  console.warn(`PyTorch's values are not checked: ${reason}`);
  it.skipIf(!existsSync(folder))(`PyTorch's values (skipped: ${reason})`, () => expect.fail(reason));
} else {
  const names = readdirSync(folder).filter((name) => name.endsWith('.safetensors'));
  it(`${folder} has files`, () => expect(names).not.toEqual([]));
  const files = names.map((name) => ({ name, op: new GoldenFile(resolve(folder, name)).op }));
  for (const { name, op } of files.filter((file) => !checks.has(file.op))) {
    it(`${name} is of a known op`, () => expect.fail(`its op is '${op}'; known are ${[...checks.keys()].join(', ')}`));
  }
  const known = files.filter(({ op }) => checks.has(op)).map(({ name, op }) => [name, op] as const);
  const checkFile = async (name: string, op: string, device: Device, skip: (note: string) => void) => {
    const file = new GoldenFile(resolve(folder, name));
    const reason = await checks.get(op)!(file, device);
    if (reason) skip(reason);
    file.expectAllRead();
  };
  const each = (device: () => Device) =>
    it.for(known)('%s: %s equals PyTorch’s', { timeout: 600_000 }, ([name, op], { skip }) =>
      checkFile(name, op, device(), skip),
    );
  describe('float64 reference', () => each(() => 'reference'));
  onEveryAdapter(each);
}
