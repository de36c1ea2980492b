/** The published experiment from end to end: pre-training, three ten-class models, a control and linear probes, each a stage that is done once. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Dataset } from '../data/dataset.ts';
import { subset } from '../data/images.ts';
import { findStl10, readFolds } from '../data/stl10.ts';
import { UserError } from '../errors.ts';
import type { Gpu } from '../gpu/device.ts';
import { State } from '../graph/state.ts';
import { readEntries } from '../nn/state_dict.ts';
import { readCheckpoint } from '../train/checkpoint.ts';
import type { TrainEvents } from '../train/events.ts';
import { learnerOf } from '../train/learner.ts';
import type { LogKind } from '../train/metrics_logs.ts';
import { checkSameSettings } from '../train/same_settings.ts';
import type { TrainSettings } from '../train/settings.ts';
import { type SupervisedEvents, trainSupervised } from '../train/supervised.ts';
import { classCount, type SupervisedData } from '../train/supervised_data.ts';
import type { PretrainedEncoder } from '../train/supervised_encoder.ts';
import { fromCheckpoint, isPretrained, pretrain } from './experiment_pretrain.ts';
import { type Encoders, Prober } from './experiment_probe.ts';
import {
  type LabelledRun,
  type ModelName,
  type ModelResult,
  modelNames,
  type PretrainingResult,
} from './experiment_results.ts';
import type { ExperimentConfig } from './experiment_settings.ts';

export interface Stage {
  readonly name: 'pretrain' | ModelName | 'probe';
  readonly seed: number;
  readonly fold: number | null;
  /** Its number, from 1, and how many there are. */
  readonly number: number;
  readonly stages: number;
  /** It was finished before; nothing is done. */
  readonly finished: boolean;
}

/** What an experiment tells while it goes on. */
export interface ExperimentEvents {
  onStage?(stage: Stage): void;
  readonly pretraining?: TrainEvents;
  readonly supervised?: SupervisedEvents;
  /** In which other forms its trainings keep their numbers. */
  readonly log?: readonly LogKind[] | undefined;
}

export interface ExperimentNumbers {
  readonly pretraining: readonly PretrainingResult[];
  readonly runs: readonly LabelledRun[];
}

/** The labelled images. UserError: there are none, or too few classes to tell apart. */
export function labelledData({ probe }: Dataset, data: string): SupervisedData {
  if (!probe) {
    throw new UserError(
      `${data}: has no labelled images; give STL-10's files, or folders train/ and test/ with one folder per class`,
    );
  }
  classCount(probe);
  return probe;
}

/** Rows of each fold of the training split; [null]: all of it. UserError (usage): folds that the data do not have. */
export function foldsOf({ folds, data }: Pick<ExperimentConfig, 'folds' | 'data'>): readonly (Uint32Array | null)[] {
  if (folds === null) return [null];
  const stl10 = findStl10(data);
  if (stl10 === undefined || !existsSync(join(stl10, 'fold_indices.txt'))) {
    throw new UserError(
      `--folds needs STL-10's files with fold_indices.txt, which ${stl10 ?? data} does not have; omit --folds, or give STL-10 with --data`,
      2,
    );
  }
  const all = readFolds(data);
  return folds.map((fold) => all[fold]);
}

/** What every stage needs. */
interface Context {
  readonly gpu: Gpu;
  readonly dataset: Dataset;
  readonly config: ExperimentConfig;
  readonly out: string;
  readonly events: ExperimentEvents;
  readonly signal: AbortSignal | undefined;
  /** Tells that a stage begins; throws the signal's reason if it was aborted. */
  begin(name: Stage['name'], seed: number, fold: number | null, finished: boolean): void;
}

/**
 * Runs what is not done yet in `out`. When `signal` is aborted, the stage under way is saved and the signal's reason is thrown:
 * the next call with the same folder goes on there.
 */
export async function runExperiment(
  gpu: Gpu,
  dataset: Dataset,
  config: ExperimentConfig,
  out: string,
  events: ExperimentEvents = {},
  signal?: AbortSignal,
): Promise<ExperimentNumbers> {
  const data = labelledData(dataset, config.data);
  const folds = foldsOf(config);
  const { checkpoint, seeds } = config;
  const stages = seeds.length * ((checkpoint === null ? 1 : 0) + folds.length * (modelNames.length + 1));
  let number = 0;
  const begin: Context['begin'] = (name, seed, fold, finished) => {
    signal?.throwIfAborted();
    events.onStage?.({ name, seed, fold, number: ++number, stages, finished });
  };
  const context: Context = { gpu, dataset, config, out, events, signal, begin };
  const pretraining: PretrainingResult[] = [];
  const runs: LabelledRun[] = [];
  if (checkpoint !== null) pretraining.push(await fromCheckpoint(gpu, dataset, checkpoint));
  for (const seed of seeds) {
    if (checkpoint === null) pretraining.push(await pretrainStage(context, seed));
    const pretrained = readCheckpoint(pretraining.at(-1)!.checkpoint);
    const planned = checkpoint === null ? { ...config.pretrain, seed } : config.pretrain;
    checkSameSettings(join(out, 'experiment.json'), planned, pretrained, { count: config.images.pretrain });
    const encoders: Encoders = { pretrained, random: await untrainedEncoder(gpu, { ...config.pretrain, seed }) };
    const settings = { ...config.supervised, seed };
    const prober = new Prober(gpu, data, encoders, settings, events.supervised?.onFeatures, signal);
    for (const [i, fold] of folds.entries()) {
      const index = config.folds?.[i] ?? null;
      const train = fold === null ? data.train : subset(data.train, fold, `${data.train.name} (fold ${index})`);
      const models = await labelledStages(context, { train, test: data.test }, encoders, seed, index);
      const probe = { file: join(folderOf(out, seed, index), 'probe.json'), fold, train };
      begin('probe', seed, index, prober.known(probe) !== undefined);
      runs.push({ seed, fold: index, models, probes: await prober.probe(probe) });
    }
  }
  return { pretraining, runs };
}

/** Of the labelled stages. */
const folderOf = (out: string, seed: number, fold: number | null): string =>
  join(out, `seed-${seed}`, ...(fold === null ? [] : [`fold-${fold}`]));

function pretrainStage({ gpu, dataset, config, out, events, signal, begin }: Context, seed: number) {
  const path = join(out, `seed-${seed}`, 'pretrain');
  begin('pretrain', seed, null, isPretrained(path));
  const settings: TrainSettings = { ...config.pretrain, seed };
  return pretrain(gpu, dataset, path, config.data, settings, events.pretraining ?? {}, signal, events.log);
}

/** The three models and the control on one training set. */
async function labelledStages(
  { gpu, config, out, events, signal, begin }: Context,
  data: SupervisedData,
  { pretrained, random }: Encoders,
  seed: number,
  fold: number | null,
): Promise<LabelledRun['models']> {
  const settings = { ...config.supervised, seed };
  const models: Partial<Record<ModelName, ModelResult>> = {};
  for (const model of modelNames) {
    const folder = join(folderOf(out, seed, fold), model);
    begin(model, seed, fold, existsSync(join(folder, 'result.json')));
    const encoder = model === 'random' ? random : pretrained;
    const options = { folder, encoder, events: events.supervised, log: events.log, signal };
    models[model] = await trainSupervised(gpu, data, model === 'random' ? 'frozen' : model, settings, options);
  }
  return models as Record<ModelName, ModelResult>;
}

/** The weights that pre-training with this seed starts from. */
async function untrainedEncoder(gpu: Gpu, settings: TrainSettings): Promise<PretrainedEncoder> {
  const state = new State(gpu);
  const { encoder } = learnerOf(settings, { count: 1, classes: 0 });
  try {
    return await readEntries(state, [...encoder.parameters, ...encoder.buffers]);
  } finally {
    state.destroy();
  }
}
