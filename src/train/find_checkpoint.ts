/** From what a user names to a file: a run's folder means its newest checkpoint. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { UserError } from '../errors.ts';
import { guarded } from '../io/file_errors.ts';
import { huggingFaceWeights } from '../onnx/hugging_face.ts';
import { newestCheckpoint } from './checkpoint.ts';
import { RunFolder } from './run_folder.ts';
import { classifierFile } from './supervised_folder.ts';

/**
 * A file as it is. For a folder: the newest checkpoint that can be read of the run in it (or of the only pre-training of the
 * experiment in it), the classifier that a supervised training left, or the weights of an encoder in Hugging Face's format.
 *
 * @param onDamaged told of checkpoints that were passed over
 * @throws UserError a folder without any
 */
export function findCheckpoint(path: string, onDamaged?: (message: string) => void): string {
  if (!isFolder(path)) return path;
  const run = basename(path) === 'checkpoints' ? dirname(path) : path;
  const newest = newestCheckpoint(new RunFolder(run), { onDamaged });
  if (newest) return newest.path;
  if (existsSync(classifierFile(run))) return classifierFile(run);
  if (existsSync(join(path, huggingFaceWeights))) return join(path, huggingFaceWeights);
  const stages = pretrainings(run);
  if (stages.length === 1) return findCheckpoint(stages[0], onDamaged);
  throw new UserError(
    stages.length > 1
      ? `${path}: an experiment with several pre-trainings; give one of them, such as ${stages[0]}`
      : `${path}: no checkpoint in this folder; give the folder of a run that has saved one, one with ${huggingFaceWeights}, or a .safetensors file`,
  );
}

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;

/** Folders of the pre-trainings of an experiment that have checkpoints. */
function pretrainings(experiment: string): string[] {
  return guarded('read', experiment, () => readdirSync(experiment))
    .filter((name) => /^seed-\d+$/.test(name))
    .map((name) => join(experiment, name, 'pretrain'))
    .filter((folder) => new RunFolder(folder).checkpointSteps().length > 0);
}
