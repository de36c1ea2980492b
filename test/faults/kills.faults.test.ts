/** Processes that die at random moments: the command is run again, and leaves what one leaves that nobody disturbed. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it, vi } from 'vitest';
import { scratchFolder } from '../cli/run.ts';
import { randomNumbers, rounds, seed, Tries } from './campaign.ts';
import { type Scenario, scenariosIn, startScenario, succeeds } from './scenarios.ts';

vi.setConfig({ testTimeout: 7_200_000, hookTimeout: 600_000 });

const folder = scratchFolder();
const scenarios = scenariosIn(folder);
/** In a row, before it is left to end: a run that is killed for ever never does. */
const mostInARow = 3;

const killed = (scenario: Scenario, times: number, signal: NodeJS.Signals = 'SIGKILL') =>
  ({
    kind: signal === 'SIGKILL' ? 'kill −9' : 'a crash of the driver',
    scenario,
    times: times * rounds,
    signal,
  }) as const;

beforeAll(() => scenarios.prepare());

it.each([
  killed(scenarios.train, 6),
  killed(scenarios.train, 2, 'SIGSEGV'),
  killed(scenarios.train, 1, 'SIGABRT'),
  killed(scenarios.experiment, 3),
  killed(scenarios.embed, 2),
  killed(scenarios.knn, 2),
  killed(scenarios.export, 2),
  killed(scenarios.sample, 1),
  killed(scenarios.pack, 1),
])('$kind, $scenario.name, $signal', async ({ kind, scenario, times, signal }) => {
  const random = randomNumbers(seed);
  const out = (name: string) => {
    const path = join(folder, `${scenario.name} ${signal} ${name}`);
    mkdirSync(path, { recursive: true });
    return path;
  };
  const straight = out('straight');
  const begun = performance.now();
  await succeeds(scenario, scenario.first(straight));
  const duration = performance.now() - begun;
  const wanted = scenario.left(straight);
  const tries = new Tries(kind, scenario.name);
  try {
    for (let kills = 0, series = 0; kills < times; series++) {
      const path = out(String(series));
      kills += await tries.series(async () => {
        const most = Math.min(mostInARow, times - kills);
        const count = await killedUntilDone(scenario, path, most, signal, () => random() * duration);
        expect(scenario.left(path)).toEqual(wanted);
        return count;
      });
    }
  } finally {
    tries.close();
  }
});

/** Runs a command again and again, killed `most` times after so many milliseconds, and then to its end. @returns how often it was killed */
async function killedUntilDone(
  scenario: Scenario,
  out: string,
  most: number,
  kill: NodeJS.Signals,
  moment: () => number,
): Promise<number> {
  let words = scenario.first(out);
  for (let kills = 0; kills < most; kills++) {
    const started = startScenario(scenario, words);
    const timer = setTimeout(() => started.child.kill(kill), moment());
    const { signal, code, err } = await started.done;
    clearTimeout(timer);
    expect(err).toMatch(scenario.says ?? /^$/);
    if (signal === null) {
      expect(code).toBe(0);
      return kills;
    }
    words = scenario.again(out);
  }
  await succeeds(scenario, words);
  return most;
}
