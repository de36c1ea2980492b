/**
 * Values that PyTorch computed: every `.safetensors` file in the folder GOLDEN_DIR (`../shared/golden` beside the project, by
 * default) is checked by `test/golden/<op>.ts`, where <op> is what the file's metadata say.
 */
import { existsSync, readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, it } from 'vitest';
import { adapters, onEveryAdapter } from '../ops/harness.ts';
import { type Device, type GoldenCheck, GoldenFile } from './harness.ts';

export const goldenFolder = resolve(import.meta.dirname, '../..', process.env['GOLDEN_DIR'] ?? '../shared/golden');
const modules = import.meta.glob<{ default: GoldenCheck }>(['./*.ts', '!./harness.ts', '!./suite.ts'], { eager: true });
export const goldenChecks = new Map(
  Object.entries(modules).map(([path, module]) => [/([^/]+)\.ts$/.exec(path)![1], module.default]),
);

/** The most pixels a side of a whole network's steps that every adapter has time for, software rasterisers too. */
const mostPixels = 48;

export interface GoldenItem {
  readonly name: string;
  readonly op: string;
  /** Whether a software rasteriser takes a minute or more for it. */
  readonly long: boolean;
}

/** The files of the folder; undefined without a folder. */
export function goldenItems(): GoldenItem[] | undefined {
  if (!existsSync(goldenFolder)) return undefined;
  const names = readdirSync(goldenFolder).filter((name) => name.endsWith('.safetensors'));
  return names.map((name) => {
    const file = new GoldenFile(resolve(goldenFolder, name));
    return { name, op: file.op, long: file.number('size', 0) > mostPixels };
  });
}

/** What stands in for the checks where there are none: a skipped test that says why. */
export function skipGolden(reason: string): void {
  it.skip(`PyTorch's values (skipped: ${reason})`, () => {});
}

const testItems = (items: readonly GoldenItem[], device: () => Device): void =>
  it.for(items.map(({ name, op }) => [name, op] as const))(
    '%s: %s equals PyTorch’s',
    { timeout: 600_000 },
    async ([name, op], { skip }) => {
      const file = new GoldenFile(resolve(goldenFolder, name));
      const reason = await goldenChecks.get(op)!(file, device());
      if (reason) skip(reason);
      file.expectAllRead();
    },
  );

/** Checks files with the float64 reference. */
export function testReference(items: readonly GoldenItem[]): void {
  describe('float64 reference', () => testItems(items, () => 'reference'));
}

/** Checks on each of the adapters the files that `wanted` chooses for it. */
export const testOnAdapters = (
  items: readonly GoldenItem[],
  wanted: (item: GoldenItem, adapter: string) => boolean,
  chosen = adapters,
): void =>
  onEveryAdapter(
    (gpu, adapter) =>
      testItems(
        items.filter((item) => wanted(item, adapter)),
        gpu,
      ),
    chosen,
  );
