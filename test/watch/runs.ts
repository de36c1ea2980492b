/** Folders of runs as `train` leaves them, without a training. */
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PNG } from 'pngjs';
import type { Document } from '../../src/report/document.ts';
import { renderHtml } from '../../src/report/html.ts';
import { dataUri } from '../../src/report/plot_svg.ts';
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

/** A folder as `compare` leaves it before its first training has been measured. */
export function makeComparison(path: string): string {
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, 'compare.json'), '{}');
  return path;
}

/** Tells, where it can, that a script of it runs. */
const picture =
  '<svg xmlns="http://www.w3.org/2000/svg" width="80" height="40"><rect width="80" height="40" fill="#07c"/><script>top.ran = true</script></svg>';

/** Writes a report as `compare` does, of so many rows; `hostile` is added to it as it stands. */
export function writeReport(path: string, rows: number, hostile = ''): void {
  const document: Document = {
    title: 'Comparison: simclr, byol',
    blocks: [
      { kind: 'text', text: 'By linear probe: byol < simclr & others.' },
      {
        kind: 'table',
        head: ['method', 'kNN / %'],
        rows: Array.from({ length: rows }, (_, i) => [`row ${i}`, `${40 + i}.00`]),
        note: 'Accuracy on 20 test images.',
      },
      { kind: 'heading', text: 'Curves' },
      {
        ...{ kind: 'figure', name: 'losses', caption: 'The loss of each training.' },
        chart: { svg: picture, png: Buffer.alloc(0) },
      },
    ],
  };
  writeFileSync(join(path, 'report.html'), renderHtml(document).replace('</body>', `${hostile}</body>`));
}

/** What a report must not do: run a script, load something from elsewhere, or draw over the page. */
export const hostile = `<script>top.ran = true</script><img src="https://elsewhere.example/a.png" onerror="top.ran = true"><figure><img src="https://elsewhere.example/b.png"><figcaption>taken from elsewhere</figcaption></figure><figure><img src="${dataUri('text/html', '<script>top.ran = true</script>')}"></figure><p onclick="top.ran = true">a text<iframe src="https://elsewhere.example/"></iframe></p><style>body { display: none }</style>`;
