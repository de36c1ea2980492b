/** Checkpoints of pre-training. */
import { z } from 'zod';
import { UserError } from '../errors.ts';
import type { State } from '../graph/state.ts';
import { measured } from '../io/checked.ts';
import type { Entry } from '../nn/module.ts';
import { describeResNet } from '../nn/resnet.ts';
import { checkNoOthers, checkTensors, writeEntries } from '../nn/state_dict.ts';
import type { Optimizer } from '../optim/optimizer.ts';
import { Weights } from '../optim/weights.ts';
import { SimClr } from '../ssl/simclr.ts';
import type { TrainEvents } from './events.ts';
import type { RunFolder } from './run_folder.ts';
import { makeOptimizer, modelOptions, parseSettings, type TrainSettings } from './settings.ts';
import {
  type CheckpointKind,
  lossScaleProgress,
  readTraining,
  saveTraining,
  stepCount,
  type TrainingFile,
  trainingEntries,
} from './training_file.ts';

/** Counters of a run, without which it could not go on exactly. */
export const progressSchema = z.object({
  /** Steps done. */
  step: stepCount(),
  /** Sums over the steps of the epoch that is under way. */
  loss: measured(),
  accuracy: z.number(),
  /** How many steps these are; checkpoints of older versions do not say. */
  summed: z.number().int().min(0).optional(),
  /** Set in f16. */
  lossScale: lossScaleProgress.optional(),
});
export type Progress = Readonly<z.infer<typeof progressSchema>>;

export type Checkpoint = TrainingFile<Progress> & { readonly settings: TrainSettings };

const pretraining: CheckpointKind = {
  format: 'simclr-webgpu checkpoint 1',
  what: 'checkpoint of simclr-webgpu',
  remedy: "take one from a run's checkpoints folder",
};

/** Writes a checkpoint (atomically) from which the run continues bit for bit. */
export const saveCheckpoint = (
  path: string,
  state: State,
  model: SimClr,
  optimizer: Optimizer,
  settings: TrainSettings,
  progress: Progress,
  advice: () => string,
): Promise<void> => saveTraining(path, state, model, optimizer, pretraining, settings, progress, advice);

/** Every value of a run with these settings: what its checkpoints hold. */
export function checkpointEntries(settings: TrainSettings): readonly Entry[] {
  const model = new SimClr(modelOptions(settings));
  const { optimizer } = new Weights(model.parameters, {
    precision: 'f32',
    optimizer: (weights) => makeOptimizer(settings, weights),
  });
  return trainingEntries(model, optimizer);
}

/** Reads a checkpoint of ours. UserError: damaged, or not one; its tensors are those that its settings lead to, and finite. */
export function readCheckpoint(path: string): Checkpoint {
  const read = readTraining(path, pretraining, progressSchema);
  const settings = parseSettings(read.settings, path, (name) => name);
  const entries = checkpointEntries(settings);
  checkTensors(entries, read.tensors, path);
  checkNoOthers(entries, read.tensors.keys(), `a run with its settings (${describeResNet(settings)})`, path);
  return { ...read, settings };
}

/** The newest checkpoint that can be read. UserError: there are some, and none can. */
export function newestCheckpoint(folder: RunFolder, events: TrainEvents): Checkpoint | undefined {
  let fault: unknown;
  for (const step of folder.checkpointSteps().reverse()) {
    try {
      return readCheckpoint(folder.checkpointFile(step));
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      fault ??= error;
      events.onDamaged?.(error.message);
    }
  }
  if (fault) throw fault;
  return undefined;
}

/** The step of the newest checkpoint that can be read, whose values are all finite; undefined where there is none. */
export function newestStep(folder: RunFolder): number | undefined {
  try {
    return newestCheckpoint(folder, {})?.progress.step;
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

/** A model as a checkpoint has it, its weights and statistics loaded into `state`. */
export function loadModel(state: State, { settings, tensors, path }: Checkpoint): SimClr {
  const model = new SimClr(modelOptions(settings));
  writeEntries(state, [...model.parameters, ...model.buffers], tensors, path);
  return model;
}
