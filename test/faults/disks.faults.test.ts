/** Disks that are full, read-only or gone from some write on: one line, and the same command makes up for it on a good disk. */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { run, scratchFolder } from '../cli/run.ts';
import { randomNumbers, rounds, seed, Tries } from './campaign.ts';
import { disturbed, type Scenario, scenariosIn } from './scenarios.ts';

vi.setConfig({ testTimeout: 7_200_000, hookTimeout: 600_000 });

const folder = scratchFolder();
const scenarios = scenariosIn(folder);
/** Drawing the sample set takes long, and writes as the others do. */
const readers = scenarios.others.filter(({ name }) => name !== 'data sample');
const shim = 'test/faults/failing_disk.mjs';

beforeAll(() => scenarios.prepare());

describe.each([
  ['a full disk', 'ENOSPC'],
  ['a read-only disk', 'EROFS'],
  ['a disk that goes away', 'EIO'],
])('%s', (kind, code) => {
  it.each([
    ['train', scenarios.train, 3 * rounds],
    ...readers.map((scenario) => [scenario.name, scenario, rounds] as const),
  ] as const)('%s', async (_, scenario, count) => {
    const random = randomNumbers(seed);
    const out = (name: string) => {
      const path = join(folder, `${scenario.name} ${code} ${name}`);
      mkdirSync(path, { recursive: true });
      return path;
    };
    const straight = out('straight');
    const writes = await countWrites(scenario, straight);
    const wanted = scenario.left(straight);
    const tries = new Tries(kind, scenario.name);
    const moments = new Set([writes, ...Array.from({ length: count }, () => 1 + Math.floor(random() * writes))]);
    try {
      for (const at of [...moments].slice(-count)) {
        const path = out(String(at));
        await tries.try(async () => {
          const env = { FAULT_FOLDER: path, FAULT_CODE: code, FAULT_AT: String(at) };
          const failed = await disturbed(scenario.first(path), shim, env);
          expect(failed.err).toMatch(/^simclr: [^\n]+\n$/);
          expect(failed.err).not.toMatch(/internal error/);
          expect(failed.code).toBe(1);
          expect(await run(...scenario.again(path))).toMatchObject({ code: 0, err: '' });
          expect(scenario.left(path)).toEqual(wanted);
        });
      }
    } finally {
      tries.close();
    }
  });
});

/** Runs a command undisturbed. @returns how often it writes to its folder */
async function countWrites(scenario: Scenario, out: string): Promise<number> {
  const file = join(folder, 'writes');
  const env = { FAULT_FOLDER: out, FAULT_COUNT: file };
  expect(await disturbed(scenario.first(out), shim, env)).toMatchObject({ code: 0, err: '' });
  return Number(readFileSync(file, 'utf8'));
}
