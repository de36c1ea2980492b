/** Checkpoints of runs. */
import { z } from 'zod';
import { UserError } from '../errors.ts';
import type { State } from '../graph/state.ts';
import { firstMethod, methodIfKnown } from '../methods/index.ts';
import { describeEncoder } from '../nn/encoder_shape.ts';
import { makeEncoder } from '../nn/encoders.ts';
import type { NamedTensor } from '../nn/module.ts';
import { checkNoOthers, checkTensors, entriesOf, writeEntries } from '../nn/state_dict.ts';
import type { ImageFacts, Learner } from '../ssl/method.ts';
import { sharedSettings } from '../ssl/settings.ts';
import type { TracedStep } from '../ssl/step.ts';
import { trainedGroups } from '../ssl/trace_step.ts';
import { moduleTensors, trainingEntries } from './checkpoint_tensors.ts';
import type { TrainEvents } from './events.ts';
import { learnerOf } from './learner.ts';
import { type Progress, progressSchema } from './progress.ts';
import type { RunFolder } from './run_folder.ts';
import { parseSettings, parseTable, type TrainSettings } from './settings.ts';
import { type CheckpointKind, readTraining, saveTraining, type TrainingFile } from './training_file.ts';
import type { TrainingContent } from './training_values.ts';

/** A run's checkpoint: tensors, how far the run was, and its settings. */
export type Checkpoint = TrainingFile<Progress> & { readonly settings: TrainSettings };

const ofRuns: CheckpointKind = {
  format: 'simclr-webgpu checkpoint 2',
  former: 'simclr-webgpu checkpoint 1',
  what: 'checkpoint of simclr-webgpu',
  remedy: "take one from a run's checkpoints folder",
};

/** Writes a checkpoint (atomically) from which the run continues bit for bit. */
export const saveCheckpoint = (
  path: string,
  state: State,
  traced: TracedStep,
  content: TrainingContent<TrainSettings, Progress>,
  advice: () => string,
): Promise<void> => saveTraining(path, state, traced, ofRuns, content, advice);

/** Every value of a run with these settings: what its checkpoints hold. */
export function checkpointEntries(
  settings: TrainSettings,
  images: ImageFacts = { count: 1, classes: 0 },
): readonly NamedTensor[] {
  const learner = learnerOf(settings, images);
  return trainingEntries({ learner, groups: trainedGroups(learner, { ...settings, precision: 'f32' }) });
}

/**
 * Reads a checkpoint of ours. Of a method that this program does not know, which a user has registered in another, the encoder can be
 * used all the same.
 *
 * @throws UserError damaged, or not one; its tensors are those that its settings lead to, and finite
 */
export function readCheckpoint(path: string): Checkpoint {
  const read = readTraining(path, ofRuns, progressSchema);
  const known = methodIfKnown(methodIn(read.settings));
  const settings = known ? parseSettings(read.settings, path, (name) => name) : sharedOf(read.settings, path);
  if (known) {
    const entries = checkpointEntries(settings, read.images);
    checkTensors(entries, read.tensors, path);
    checkNoOthers(entries, read.tensors.keys(), `a run with its settings (${describeEncoder(settings)})`, path);
  } else {
    checkTensors(entriesOf(makeEncoder(settings)), moduleTensors(read), path);
  }
  return { ...read, settings };
}

const methodIn = (settings: unknown): string =>
  String((settings as { method?: unknown } | undefined)?.method ?? firstMethod.name);

/** The shared settings of a run of an unknown method. */
function sharedOf(settings: unknown, path: string): TrainSettings {
  const { shape } = sharedSettings.extend({ method: z.string() });
  return parseTable(z.object(shape), settings, path, (name) => name);
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

/** The networks of a checkpoint, their weights and statistics loaded into `state`. UserError: its method is not known. */
export function loadLearner(state: State, checkpoint: Checkpoint): Learner {
  const learner = learnerOf(checkpoint.settings, checkpoint.images);
  const modules = learner.groups.flatMap((group) => group.modules);
  const entries = modules.flatMap(({ parameters, buffers }) => [...parameters, ...buffers]);
  writeEntries(state, entries, moduleTensors(checkpoint), checkpoint.path);
  return learner;
}
