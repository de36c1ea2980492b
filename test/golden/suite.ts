/**
 * Values that PyTorch computed: every `.safetensors` file in the folders GOLDEN_DIR (separated by `:`; `../shared/golden` and
 * `../shared/golden-methods` beside the project, by default) is checked by `test/golden/<op>.ts`, where <op> is what the file's
 * metadata say.
 */
import { existsSync, readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, it } from 'vitest';
import { adapters, onEveryAdapter } from '../ops/harness.ts';
import { type Device, type GoldenCheck, GoldenFile } from './harness.ts';

const given = process.env['GOLDEN_DIR'] ?? '../shared/golden:../shared/golden-methods';
export const goldenFolders = given.split(':').map((folder) => resolve(import.meta.dirname, '../..', folder));
const modules = import.meta.glob<{ default: GoldenCheck }>(
  ['./*.ts', '!./harness.ts', '!./suite.ts', '!./networks.ts'],
  { eager: true },
);
export const goldenChecks = new Map(
  Object.entries(modules).map(([path, module]) => [/([^/]+)\.ts$/.exec(path)![1], module.default]),
);

/** Ops of methods that are not there yet: their files are skipped by name. An op that is here and has a check fails a test. */
export const awaitedOps: ReadonlySet<string> = new Set();

/** The most pixels a side of a whole network's steps that every adapter has time for, software rasterisers too. */
const mostPixels = 48;

export interface GoldenItem {
  readonly name: string;
  readonly path: string;
  readonly op: string;
  /** Whether a software rasteriser takes a minute or more for it. */
  readonly long: boolean;
}

/** The files of the folders that are there; undefined where none is. */
export function goldenItems(): GoldenItem[] | undefined {
  const folders = goldenFolders.filter((folder) => existsSync(folder));
  if (folders.length === 0) return undefined;
  return folders.flatMap((folder) => {
    const names = readdirSync(folder).filter((name) => name.endsWith('.safetensors'));
    return names.map((name) => {
      const path = resolve(folder, name);
      const file = new GoldenFile(path);
      return { name, path, op: file.op, long: file.number('size', 0) > mostPixels };
    });
  });
}

/** What stands in for the checks where there are none: a test that is skipped and says why. */
export function skipGolden(reason: string): void {
  it(`PyTorch's values: ${reason}`, ({ skip }) => skip(reason));
}

const testItems = (items: readonly GoldenItem[], device: () => Device): void =>
  it.for(items.map(({ name, op, path }) => [name, op, path] as const))(
    '%s: %s equals PyTorch’s',
    { timeout: 600_000 },
    async ([, op, path], { skip }) => {
      const file = new GoldenFile(path);
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
