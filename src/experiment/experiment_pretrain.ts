/** The first stage: an encoder trained without labels, or taken from a checkpoint. */

import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Dataset } from '../data/dataset.ts';
import { appendLine, readJsonLines, writeFileAtomic } from '../data/files.ts';
import { UserError } from '../errors.ts';
import type { Gpu } from '../gpu/device.ts';
import { type Checkpoint, readCheckpoint } from '../train/checkpoint.ts';
import type { TrainEvents } from '../train/events.ts';
import { RunFolder } from '../train/run_folder.ts';
import type { TrainSettings } from '../train/settings.ts';
import { Trainer } from '../train/trainer.ts';
import type { PretrainingEpoch, PretrainingResult, SimilarityStage } from './experiment_results.ts';
import { beforeAndAfter } from './figures_views.ts';

/** Written when the stage has ended; holds the number of its last step and the wall time. */
const finishedFile = 'finished.json';
/** Wall time so far, kept while the stage goes on: after every epoch, and when it is stopped. */
const wallFile = 'wall.json';
const similarityFile = 'similarity.jsonl';

/** The run folder of a pre-training that has ended. */
function finishedRun(path: string): RunFolder | undefined {
  const folder = new RunFolder(path);
  const step = folder.checkpointSteps().at(-1);
  return existsSync(folder.file(finishedFile)) && step !== undefined ? folder : undefined;
}

export const isPretrained = (path: string): boolean => finishedRun(path) !== undefined;

/**
 * Pre-trains in a folder: from the start, from where it was stopped, or not at all if it has ended. When `signal` is aborted the
 * step under way is finished and saved, and the signal's reason is thrown.
 */
export async function pretrain(
  gpu: Gpu,
  dataset: Dataset,
  path: string,
  data: string,
  settings: TrainSettings,
  events: TrainEvents,
  signal?: AbortSignal,
): Promise<PretrainingResult> {
  if (!isPretrained(path)) {
    const started = performance.now();
    const folder = openRun(path, data, dataset, settings, gpu);
    const before = numberIn(folder.file(wallFile), 'wallSeconds') ?? 0;
    const wallSeconds = () => before + (performance.now() - started) / 1000;
    const keep = () => writeFileAtomic(folder.file(wallFile), `${JSON.stringify({ wallSeconds: wallSeconds() })}\n`);
    const trainer = await createTrainer(gpu, dataset, settings, folder, {
      ...events,
      onEpoch(report) {
        keep();
        events.onEpoch?.(report);
      },
      onFigure(step, positives, negatives, similarity) {
        appendLine(folder.file(similarityFile), { step, positives, negatives, similarity: Array.from(similarity) });
        events.onFigure?.(step, positives, negatives, similarity);
      },
    });
    try {
      const { interrupted, step } = await trainer.run(signal);
      keep();
      if (interrupted) signal?.throwIfAborted();
      writeFileAtomic(folder.file(finishedFile), `${JSON.stringify({ step, wallSeconds: wallSeconds() })}\n`);
    } finally {
      trainer.destroy();
      gpu.trim();
    }
  }
  const folder = finishedRun(path)!;
  const checkpoint = folder.checkpointFile(folder.checkpointSteps().at(-1)!);
  const similarity = readJsonLines(folder.file(similarityFile)) as SimilarityStage[];
  const wallSeconds = numberIn(folder.file(finishedFile), 'wallSeconds');
  const steps = folder.checkpointSteps().at(-1)!;
  return resultOf(settings, checkpoint, steps, recordsOf(folder.file('metrics.jsonl')), similarity, wallSeconds);
}

/** A refused pre-training leaves nothing in its folder. */
async function createTrainer(...[gpu, dataset, settings, folder, events]: Parameters<typeof Trainer.create>) {
  try {
    return await Trainer.create(gpu, dataset, settings, folder, events);
  } catch (error) {
    folder.discard();
    throw error;
  }
}

/** A number that a JSON file holds; undefined where it does not, or where the file is missing or damaged. */
function numberIn(file: string, name: string): number | undefined {
  if (!existsSync(file)) return undefined;
  try {
    const value = (JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>)?.[name];
    return typeof value === 'number' ? value : undefined;
  } catch {
    return undefined;
  }
}

function openRun(path: string, data: string, { train }: Dataset, settings: TrainSettings, gpu: Gpu): RunFolder {
  if (existsSync(join(path, 'config.json'))) return RunFolder.open(path).folder;
  const started = new Date().toISOString();
  return RunFolder.create(path, {
    version: 1,
    data,
    settings,
    images: train.count,
    adapter: gpu.traits.adapter,
    started,
  });
}

/** The encoder of a checkpoint, with what its run's folder says about how it was trained, where that is at hand. */
export async function fromCheckpoint(gpu: Gpu, dataset: Dataset, path: string): Promise<PretrainingResult> {
  const checkpoint = readCheckpoint(path);
  const similarity = await beforeAndAfter(gpu, dataset, checkpoint);
  return resultOf(checkpoint.settings, path, checkpoint.progress.step, metricsOf(checkpoint), similarity);
}

type Metrics = Readonly<Record<string, unknown>> & { readonly type: string; readonly step: number };

const recordsOf = (file: string): Metrics[] => (existsSync(file) ? (readJsonLines(file) as Metrics[]) : []);

/** What the run of a checkpoint wrote until then; nothing where its folder is elsewhere or damaged. */
function metricsOf({ path, progress }: Checkpoint): Metrics[] {
  try {
    return recordsOf(join(dirname(path), '..', 'metrics.jsonl')).filter(({ step }) => step <= progress.step);
  } catch (error) {
    if (error instanceof UserError) return [];
    throw error;
  }
}

function resultOf(
  { seed, batchSize }: TrainSettings,
  checkpoint: string,
  steps: number,
  records: readonly Metrics[],
  similarity: readonly SimilarityStage[],
  wallSeconds?: number,
): PretrainingResult {
  const epochs = records.filter(({ type }) => type === 'epoch') as unknown as PretrainingEpoch[];
  const untrained = records.find(({ type }) => type === 'probe')?.['knn'] as number | undefined;
  let seconds = 0;
  epochs.forEach(({ step, imagesPerSecond }, i) => {
    const images = (step - (epochs[i - 1]?.step ?? 0)) * batchSize;
    if (imagesPerSecond > 0) seconds += images / imagesPerSecond;
  });
  // A figure that was drawn again after an interruption is the same; the last line counts.
  const stages = [...new Map(similarity.map((stage) => [stage.step, stage])).values()];
  return {
    seed,
    checkpoint,
    steps,
    epochs: epochs.map(({ epoch, step, loss, chance, accuracy, imagesPerSecond, knn }) => {
      return { epoch, step, loss, chance, accuracy, imagesPerSecond, ...(knn !== undefined && { knn }) };
    }),
    ...(untrained !== undefined && { untrainedKnn: untrained }),
    similarity: stages.sort((a, b) => a.step - b.step),
    seconds,
    ...(wallSeconds !== undefined && { wallSeconds }),
  };
}
