/** When work is tried again on another device, and when it is not. No device is opened. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { followed } from '../../src/cli/experiment_reached.ts';
import { reopening } from '../../src/cli/reopen.ts';
import { Terminal } from '../../src/cli/terminal.ts';
import { UserError } from '../../src/errors.ts';
import type { Stage } from '../../src/experiment/experiment.ts';
import { Gpu } from '../../src/gpu/device.ts';
import { DeviceLost } from '../../src/gpu/faults.ts';

/** What was asked for, and what became of it, in order. */
let log: string[];

function fakeGpu(name: string): Gpu {
  return { traits: { adapter: name }, destroy: () => log.push(`destroyed ${name}`) } as unknown as Gpu;
}

beforeEach(() => {
  log = [];
  vi.spyOn(Gpu, 'open').mockImplementation(async ({ adapter } = {}) => {
    log.push(`opened ${adapter}`);
    return fakeGpu('another');
  });
});
afterEach(() => vi.restoreAllMocks());

/** Work that has come so far whenever it throws what stands beside; it ends when there is no more of them. */
function attempt(throws: readonly (readonly [reached: number, error: Error])[], stopped = false) {
  const screen = { columns: 200, write: (text: string) => log.push(text.trim()) };
  const left = [...throws];
  let reached = 0;
  const run = async (gpu: Gpu): Promise<string> => {
    const [to, error] = left.shift() ?? [];
    if (error === undefined) return `done on ${gpu.traits.adapter}`;
    reached = Math.max(reached, to!);
    throw error;
  };
  const work = { run, reached: () => reached, next: () => `resuming after ${reached}`, stopped: () => stopped };
  return reopening(fakeGpu('first'), work, { adapter: 'given' }, new Terminal(screen, {}));
}

const lost = new DeviceLost('why');

describe('work on a device', () => {
  it('that is lost goes on with the adapter opened again, after a line that says so', async () => {
    await expect(attempt([[4, lost]])).resolves.toBe('done on another');
    expect(log).toEqual([
      'note       the GPU device was lost (why); opening it again and resuming after 4',
      'destroyed first',
      'opened given',
    ]);
  });

  it('is given up when three devices in a row are lost without progress', async () => {
    const throws = [4, 4, 5, 5, 5].map((reached) => [reached, lost] as const);
    await expect(attempt(throws)).rejects.toBe(lost);
    expect(log.filter((line) => line === 'opened given')).toHaveLength(4);
  });

  it('goes on as long as there is progress between the losses', async () => {
    const throws = Array.from({ length: 20 }, (_, i) => [Math.floor(i / 2), lost] as const);
    await expect(attempt(throws)).resolves.toBe('done on another');
  });

  it('is not repeated for any other error', async () => {
    const other = new UserError('the GPU is out of memory');
    await expect(attempt([[4, other]])).rejects.toBe(other);
    expect(log).toEqual([]);
  });

  it('is not begun again when the user has stopped it', async () => {
    await expect(attempt([[4, lost]], true)).rejects.toBe(lost);
    expect(log).toEqual([]);
  });
});

it('an experiment has come further only where a stage or a step is new', () => {
  const told: number[] = [];
  const { events, reached } = followed({ supervised: { onStep: ({ step }) => told.push(step) } });
  const begin = (number: number) => events.onStage!({ number } as Stage);
  const does = (part: 'pretraining' | 'supervised', step: number) => events[part]!.onStep!({ step } as never);
  const seen = [reached()];
  const furthers = (act: () => void) => {
    act();
    seen.push(reached());
    return seen.at(-1)! > seen.at(-2)!;
  };
  expect(furthers(() => begin(1))).toBe(true);
  expect(furthers(() => does('pretraining', 1000))).toBe(true);
  expect(furthers(() => begin(2))).toBe(true);
  expect(furthers(() => does('supervised', 2))).toBe(true);
  expect(furthers(() => begin(1))).toBe(false);
  expect(furthers(() => begin(2))).toBe(false);
  expect(furthers(() => does('supervised', 2))).toBe(false);
  expect(furthers(() => does('supervised', 3))).toBe(true);
  expect(told).toEqual([2, 2, 3]);
});
