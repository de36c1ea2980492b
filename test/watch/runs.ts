/** Folders of runs as `train` leaves them, without a training. */
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PNG } from 'pngjs';
import type { Watcher } from '../../src/watch/watcher.ts';
import type { RunSummary } from '../../src/watch/wire.ts';

export interface MadeRun {
  readonly path: string;
  /** Appends lines of steps from `first` to `last`, each with a loss that falls. */
  steps(first: number, last: number, more?: object): void;
  line(record: object): void;
  text(text: string): void;
  picture(name: string, color?: number): void;
}

/** Steps of an epoch of what `makeRun` makes. */
export const perEpoch = 10;
/** When it began, in seconds since 1970. */
export const began = 1_700_000_000;

/** A run of 4 epochs of 10 steps, that has logged nothing. */
export function makeRun(path: string, settings: object = {}): MadeRun {
  mkdirSync(join(path, 'figures'), { recursive: true });
  mkdirSync(join(path, 'checkpoints'), { recursive: true });
  const config = {
    ...{ version: 1, data: '/photos', images: 64 * perEpoch, adapter: 'test', started: '2026-01-01T00:00:00.000Z' },
    settings: { method: 'simclr', batchSize: 64, epochs: 4, steps: 0, lr: 0.001, ...settings },
  };
  writeFileSync(join(path, 'config.json'), JSON.stringify(config));
  writeFileSync(join(path, 'metrics.jsonl'), '');
  const text = (text: string) => appendFileSync(join(path, 'metrics.jsonl'), text);
  const line = (record: object) => text(`${JSON.stringify(record)}\n`);
  return {
    path,
    text,
    line,
    steps(first, last, more = {}) {
      const lines = Array.from({ length: last - first + 1 }, (_, i) => {
        const step = first + i;
        const values = { loss: lossAt(step), lr: 0.001, time: began + step };
        return JSON.stringify({ type: 'step', step, epoch: Math.ceil(step / perEpoch), ...values, ...more });
      });
      text(`${lines.join('\n')}\n`);
    },
    picture(name, color = 128) {
      const png = new PNG({ width: 8, height: 8 });
      png.data.fill(color);
      writeFileSync(join(path, 'figures', name), PNG.sync.write(png));
    },
  };
}

export const lossAt = (step: number): number => 1 + 4 / (1 + step / 10);

/** The runs of a watcher when all of their files have been read. */
export async function allRuns(watcher: Watcher): Promise<readonly RunSummary[]> {
  for (;;) {
    const { runs, loading } = await watcher.list();
    if (!loading) return runs;
  }
}

/** What ends a run's step: a checkpoint, of which only the name counts here. */
export const checkpoint = (run: MadeRun, step: number): void =>
  writeFileSync(join(run.path, 'checkpoints', `step-${String(step).padStart(8, '0')}.safetensors`), '');
