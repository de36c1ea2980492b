/** Disks that are full, read-only or gone from some write on: one line, and the same command makes up for it on a good disk. */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { scratchFolder } from '../cli/run.ts';
import { drawMoments, randomNumbers, rounds, seed, Tries } from './campaign.ts';
import { disturbed, disturbedBy, type Scenario, scenariosIn, succeeds } from './scenarios.ts';

vi.setConfig({ testTimeout: 7_200_000, hookTimeout: 600_000 });

const folder = scratchFolder();
const scenarios = scenariosIn(folder);
const shim = 'test/faults/failing_disk.mjs';

beforeAll(() => scenarios.prepare());

describe.each([
  ['a full disk', 'ENOSPC'],
  ['a read-only disk', 'EROFS'],
  ['a disk that goes away', 'EIO'],
  ['a folder that goes away', 'ENOENT'],
])('%s', (kind, code) => {
  it.each([
    { scenario: scenarios.train, count: 2 * rounds },
    // An experiment takes long: a short campaign fills its disk and no more.
    ...(code === 'ENOSPC' || rounds > 1 ? [{ scenario: scenarios.experiment, count: rounds }] : []),
    { scenario: scenarios.embed, count: rounds },
    { scenario: scenarios.knn, count: rounds },
    { scenario: scenarios.export, count: rounds },
  ])('$scenario.name', async ({ scenario, count }) => {
    const out = (name: string) => {
      const path = join(folder, `${scenario.name} ${code} ${name}`);
      mkdirSync(path, { recursive: true });
      return path;
    };
    const straight = out('straight');
    const writes = await countWrites(scenario, straight, code);
    const wanted = scenario.left(straight);
    const tries = new Tries(kind, scenario.name);
    try {
      for (const at of drawMoments(writes, count, randomNumbers(seed))) {
        const path = out(String(at));
        await tries.try(async () => {
          const env = { FAULT_FOLDER: path, FAULT_CODE: code, FAULT_AT: String(at) };
          const failed = await disturbed(scenario, scenario.first(path), shim, env);
          const where = `write ${at} of ${writes}`;
          expect(failed.err, where).toMatch(/^simclr: [^\n]+\n$/);
          expect(failed.err, where).not.toMatch(/internal error/);
          expect(failed.code, where).toBe(1);
          await succeeds(scenario, scenario.again(path));
          expect(scenario.left(path), where).toEqual(wanted);
        });
      }
    } finally {
      tries.close();
    }
  });
});

/** Runs a command undisturbed. @returns how often it writes to its folder, in ways that can fail so */
async function countWrites(scenario: Scenario, out: string, code: string): Promise<number> {
  const file = join(folder, 'writes');
  await succeeds(
    scenario,
    scenario.first(out),
    disturbedBy(shim, { FAULT_FOLDER: out, FAULT_CODE: code, FAULT_COUNT: file }),
  );
  return Number(readFileSync(file, 'utf8'));
}
