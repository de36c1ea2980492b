/** The first stage: an encoder trained without labels, or taken from a checkpoint. */

import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import type { Dataset } from '../data/dataset.ts';
import type { ImageSet } from '../data/images.ts';
import { UserError } from '../errors.ts';
import type { Gpu } from '../gpu/device.ts';
import { checked, measured } from '../io/checked.ts';
import { appendLine, writeFileAtomic } from '../io/files.ts';
import { readChecked, readRecords } from '../io/json_files.ts';
import { ofPairs } from '../ssl/method.ts';
import { type Checkpoint, readCheckpoint } from '../train/checkpoint.ts';
import type { TrainEvents } from '../train/events.ts';
import { imageFacts, learnerOf } from '../train/learner.ts';
import { type LogKind, logsFor } from '../train/metrics_logs.ts';
import { RunFolder } from '../train/run_folder.ts';
import type { TrainSettings } from '../train/settings.ts';
import { Trainer } from '../train/trainer.ts';
import {
  type PretrainingEpoch,
  type PretrainingResult,
  type SimilarityStage,
  similarityStage,
} from './experiment_results.ts';
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
 * @param log in which other forms its numbers are kept
 */
export async function pretrain(
  gpu: Gpu,
  dataset: Dataset,
  path: string,
  data: string,
  settings: TrainSettings,
  events: TrainEvents,
  signal?: AbortSignal,
  log: readonly LogKind[] = [],
): Promise<PretrainingResult> {
  if (!isPretrained(path)) {
    const started = performance.now();
    const folder = openRun(path, data, dataset, settings, gpu);
    folder.logTo(await logsFor(log, path, settings));
    const before = wallSecondsIn(folder.file(wallFile), 'delete it: only the time that was spent is lost') ?? 0;
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
  const similarity = drawsSimilarity(settings, dataset.train)
    ? readRecords(similarityStage, folder.file(similarityFile), 'restore the file, or remove that line')
    : [];
  const remedy = 'delete it: the stage then resumes from its last checkpoint';
  const wallSeconds = wallSecondsIn(folder.file(finishedFile), remedy);
  const steps = folder.checkpointSteps().at(-1)!;
  return resultOf(settings, checkpoint, steps, curvesOf(folder, steps), similarity, wallSeconds);
}

/** Whether a run's method has that figure: its record is then there. */
const drawsSimilarity = (settings: TrainSettings, images: ImageSet): boolean =>
  (learnerOf(settings, imageFacts(images)).figures ?? []).some(ofPairs);

/** A refused pre-training leaves nothing in its folder. */
async function createTrainer(...[gpu, dataset, settings, folder, events]: Parameters<typeof Trainer.create>) {
  try {
    return await Trainer.create(gpu, dataset, settings, folder, events);
  } catch (error) {
    folder.discard();
    throw error;
  }
}

const wallSchema = z.object({ wallSeconds: z.number().min(0).optional() });

/** The wall time that a file holds; undefined where it is missing, or nobody measured it. UserError: it is damaged. */
const wallSecondsIn = (file: string, remedy: string): number | undefined =>
  existsSync(file) ? readChecked(wallSchema, file, remedy).wallSeconds : undefined;

function openRun(path: string, data: string, { train }: Dataset, settings: TrainSettings, gpu: Gpu): RunFolder {
  return RunFolder.openOrCreate(path, { data, settings, images: train.count, adapter: gpu.traits.adapter });
}

/** The encoder of a checkpoint, with what its run's folder says about how it was trained, where that is at hand. */
export async function fromCheckpoint(gpu: Gpu, dataset: Dataset, path: string): Promise<PretrainingResult> {
  const checkpoint = readCheckpoint(path);
  const similarity = await beforeAndAfter(gpu, dataset, checkpoint);
  return resultOf(checkpoint.settings, path, checkpoint.progress.step, curvesAround(checkpoint), similarity);
}

/** The numbers of an epoch that are read from a record of its run. */
const epochRecord = z.object({
  epoch: z.number().int().min(1),
  step: z.number().int().min(0),
  loss: measured(),
  chance: z.number().optional(),
  accuracy: measured().optional(),
  imagesPerSecond: measured(),
  knn: z.number().optional(),
});
const probeRecord = z.object({ knn: z.number().optional() });

interface Curves {
  readonly epochs: readonly PretrainingEpoch[];
  readonly untrainedKnn?: number | undefined;
}

/** What a run logged until a step. UserError: its record is damaged. */
function curvesOf(folder: RunFolder, until: number): Curves {
  const records = folder.records().filter(({ step }) => step <= until);
  const source = (step: number) => ({
    source: `${folder.file('metrics.jsonl')}: record of step ${step}`,
    remedy: 'restore the file',
  });
  const probe = records.find(({ type }) => type === 'probe');
  return {
    epochs: records
      .filter(({ type }) => type === 'epoch')
      .map((record) => checked(epochRecord, record, source(record.step))),
    untrainedKnn: probe && checked(probeRecord, probe, source(probe.step)).knn,
  };
}

/** The same for the run of a checkpoint; nothing where its folder is elsewhere or damaged. */
function curvesAround({ path, progress }: Checkpoint): Curves {
  try {
    return curvesOf(new RunFolder(join(dirname(path), '..')), progress.step);
  } catch (error) {
    if (error instanceof UserError) return { epochs: [] };
    throw error;
  }
}

function resultOf(
  { seed, batchSize }: TrainSettings,
  checkpoint: string,
  steps: number,
  { epochs, untrainedKnn: untrained }: Curves,
  similarity: readonly SimilarityStage[],
  wallSeconds?: number,
): PretrainingResult {
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
    epochs: epochs.map(({ epoch, step, loss, chance, accuracy, imagesPerSecond, knn }) => ({
      ...{ epoch, step, loss },
      ...(chance !== undefined && { chance }),
      ...(accuracy !== undefined && { accuracy }),
      imagesPerSecond,
      ...(knn !== undefined && { knn }),
    })),
    ...(untrained !== undefined && { untrainedKnn: untrained }),
    similarity: stages.sort((a, b) => a.step - b.step),
    seconds,
    ...(wallSeconds !== undefined && { wallSeconds }),
  };
}
