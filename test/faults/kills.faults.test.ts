/** kill −9 at random moments: the command is run again, and leaves what one leaves that nobody disturbed. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { run, scratchFolder, start } from '../cli/run.ts';
import { randomNumbers, rounds, seed, Tries } from './campaign.ts';
import { type Scenario, scenariosIn } from './scenarios.ts';

vi.setConfig({ testTimeout: 7_200_000, hookTimeout: 600_000 });

const folder = scratchFolder();
const scenarios = scenariosIn(folder);

beforeAll(() => scenarios.prepare());

describe('kill −9', () => {
  it.each([
    ['train', scenarios.train, 8 * rounds],
    ...scenarios.others.map((scenario) => [scenario.name, scenario, 2 * rounds] as const),
  ] as const)('%s', async (_, scenario, kills) => {
    const random = randomNumbers(seed);
    const out = (name: string) => {
      const path = join(folder, `${scenario.name} ${name}`);
      mkdirSync(path, { recursive: true });
      return path;
    };
    const straight = out('straight');
    const begun = performance.now();
    expect(await run(...scenario.first(straight))).toMatchObject({ code: 0, err: '' });
    const duration = performance.now() - begun;
    const wanted = scenario.left(straight);
    const tries = new Tries('kill −9', scenario.name);
    try {
      for (let killed = 0, series = 0; killed < kills; series++) {
        const path = out(`killed ${series}`);
        killed += await tries.series(() => killedUntilDone(scenario, path, random, duration));
        expect(scenario.left(path)).toEqual(wanted);
      }
    } finally {
      tries.close();
    }
  });
});

/** Runs a command again and again, killed at most three times, and then to its end. @returns how often it was killed */
async function killedUntilDone(
  scenario: Scenario,
  out: string,
  random: () => number,
  duration: number,
): Promise<number> {
  let words = scenario.first(out);
  for (let kills = 0; kills < 3; kills++) {
    const started = start(words);
    const timer = setTimeout(() => started.child.kill('SIGKILL'), random() * 1.1 * duration);
    const { signal, code, err } = await started.done;
    clearTimeout(timer);
    expect(err).toBe('');
    if (signal === null) {
      expect(code).toBe(0);
      return kills;
    }
    words = scenario.again(out);
  }
  expect(await run(...words)).toMatchObject({ code: 0, err: '' });
  return 3;
}
