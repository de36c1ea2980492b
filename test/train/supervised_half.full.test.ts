/** Training on labels with `--precision f16` that is stopped and killed among steps that overflow. */
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { readJsonLines } from '../../src/io/files.ts';
import { readSafetensors, writeSafetensors } from '../../src/io/safetensors.ts';
import type { LossScaleProgress } from '../../src/train/counters.ts';
import type { StepReport } from '../../src/train/events.ts';
import { scratchFolder } from '../cli/run.ts';
import { onEveryAdapter } from '../ops/harness.ts';
import { different, half, halfTrainings, model, numbers } from './half_training.ts';

// Ten seconds a training on a machine of its own; tests of other files may share it.
vi.setConfig({ testTimeout: 900_000 });

const folder = scratchFolder();
const checkpointOf = (name: string) => join(folder, name, 'checkpoint.safetensors');

/** Changes what a checkpoint says of the loss scale. */
function setScale(path: string, scale: number): void {
  const { tensors, metadata } = readSafetensors(path);
  const progress = JSON.parse(metadata['progress']) as { lossScales: { main: LossScaleProgress } };
  expect(progress.lossScales).toEqual({ main: { scale: 65536, counts: [1, 1, 0] } });
  progress.lossScales.main = { ...progress.lossScales.main, scale };
  writeSafetensors(path, tensors, { ...metadata, progress: JSON.stringify(progress) });
}

onEveryAdapter((gpu) => {
  const { needsF16, run } = halfTrainings(gpu, folder);

  it('overflows are skipped, and a training that was killed and stopped is the one that was not', async ({ skip }) => {
    needsF16(skip);
    const settings = { ...half, epochs: 3 };
    const stopAt = (at: number) => {
      const controller = new AbortController();
      const onStep = ({ step }: { step: number }) => step === at && controller.abort(new Error('stopped'));
      return { signal: controller.signal, events: { onStep } };
    };
    await expect(run('transfer', 'straight', settings, stopAt(1))).rejects.toThrow('stopped');
    setScale(checkpointOf('straight'), 2 ** 20);
    cpSync(join(folder, 'straight'), join(folder, 'killed'), { recursive: true });
    const first = readSafetensors(checkpointOf('straight')).tensors;

    const reports: StepReport[] = [];
    const straight = await run('transfer', 'straight', settings, {
      events: { onStep: (report) => reports.push(report) },
    });
    const skipped = reports.map(({ lossScale }) => lossScale!.skipped);
    const bad = skipped[4];
    expect([bad > 1, bad < 5]).toEqual([true, true]);
    expect(skipped).toEqual([1, 2, 3, 4, 5].map((step) => Math.min(step, bad)));
    expect(reports.map(({ lossScale }) => lossScale!.scale)).toEqual(skipped.map((count) => 2 ** (20 - count)));
    expect(reports.every(({ loss }) => Number.isFinite(loss))).toBe(true);
    expect(straight.last.lossScale).toEqual(reports.at(-1)!.lossScale);

    const kill = () => {
      throw new Error('killed');
    };
    const killed = { events: { onStep: ({ step }: { step: number }) => step === 3 && kill() } };
    await expect(run('transfer', 'killed', settings, killed)).rejects.toThrow('killed');
    // The second step overflowed: only the running statistics moved, which are of the forward pass.
    const kept = different(first, readSafetensors(checkpointOf('killed')).tensors);
    expect(kept.length).toBeGreaterThan(0);
    expect(kept.filter((name) => !/running_|num_batches/.test(name))).toEqual([]);
    await expect(run('transfer', 'killed', settings, stopAt(5))).rejects.toThrow('stopped');
    expect(numbers(await run('transfer', 'killed', settings))).toEqual(numbers(straight));
    expect(different(model(folder, 'straight'), model(folder, 'killed'))).toEqual([]);
    const lines = (name: string) => readJsonLines(join(folder, name, 'metrics.jsonl')) as StepReport[];
    const told = (name: string) => lines(name).map(({ step, loss, lossScale }) => [step, loss, lossScale]);
    expect(told('killed')).toEqual(told('straight'));
  });
});
