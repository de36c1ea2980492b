/** The first stage: an encoder trained without labels, or taken from a checkpoint. */

import { existsSync } from 'node:fs';
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

/** Written when the stage has ended; holds the number of its last step. */
const finishedFile = 'finished.json';
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
    const folder = openRun(path, data, dataset, settings, gpu);
    const trainer = await Trainer.create(gpu, dataset, settings, folder, {
      ...events,
      onFigure(step, positives, negatives, similarity) {
        appendLine(folder.file(similarityFile), { step, positives, negatives, similarity: Array.from(similarity) });
        events.onFigure?.(step, positives, negatives, similarity);
      },
    });
    try {
      const { interrupted, step } = await trainer.run(signal);
      if (interrupted) signal?.throwIfAborted();
      writeFileAtomic(folder.file(finishedFile), `${JSON.stringify({ step })}\n`);
    } finally {
      trainer.destroy();
      gpu.trim();
    }
  }
  const folder = finishedRun(path)!;
  const checkpoint = folder.checkpointFile(folder.checkpointSteps().at(-1)!);
  const similarity = readJsonLines(folder.file(similarityFile)) as SimilarityStage[];
  return resultOf(settings, checkpoint, recordsOf(folder.file('metrics.jsonl')), similarity);
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
  return resultOf(checkpoint.settings, path, metricsOf(checkpoint), similarity);
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
  records: readonly Metrics[],
  similarity: readonly SimilarityStage[],
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
    epochs: epochs.map(({ epoch, step, loss, chance, accuracy, imagesPerSecond, knn }) => {
      return { epoch, step, loss, chance, accuracy, imagesPerSecond, ...(knn !== undefined && { knn }) };
    }),
    ...(untrained !== undefined && { untrainedKnn: untrained }),
    similarity: stages.sort((a, b) => a.step - b.step),
    seconds,
  };
}
