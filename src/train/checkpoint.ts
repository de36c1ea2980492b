import { z } from 'zod';
import { checked } from '../data/checked.ts';
import { readSafetensors, type StoredTensor, toFloat32, writeSafetensors } from '../data/safetensors.ts';
import { UserError } from '../errors.ts';
import type { State } from '../graph/state.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { Entry } from '../nn/module.ts';
import { readEntries, type TorchTensor, writeEntries } from '../nn/state_dict.ts';
import type { LossScaling } from '../optim/loss_scaling.ts';
import type { Optimizer } from '../optim/optimizer.ts';
import { SimClr } from '../ssl/simclr.ts';
import type { TrainEvents } from './events.ts';
import type { RunFolder } from './run_folder.ts';
import { modelOptions, parseSettings, type TrainSettings } from './settings.ts';

/** Where the loss scale of a run in f16 stands. */
export interface LossScaleProgress {
  readonly scale: number;
  /** Good steps since the scale changed, good steps, skipped steps. */
  readonly counts: readonly number[];
}

/** Counters of a run, without which it could not go on exactly. */
export interface Progress {
  /** Steps done. */
  readonly step: number;
  /** Sums over the steps of the epoch that is under way. */
  readonly loss: number;
  readonly accuracy: number;
  /** How many steps these are; checkpoints of older versions do not say. */
  readonly summed?: number | undefined;
  /** Set in f16. */
  readonly lossScale?: LossScaleProgress | undefined;
}

const progressSchema = z.object({
  step: z.number().int().min(0).max(99_999_999),
  loss: z.number(),
  accuracy: z.number(),
  summed: z.number().int().min(0).optional(),
  lossScale: z.object({ scale: z.number().gt(0), counts: z.array(z.number().int().min(0)).length(3) }).optional(),
});

/** The name under which a checkpoint keeps an optimiser's moment of a parameter. */
const momentName = (moment: string, parameter: string): string => `optimizer.${moment}.${parameter}`;

/** What training changes in a model. */
export type Trained = Pick<SimClr, 'parameters' | 'buffers'>;

/** A moment seen parameter by parameter: entries like those of the model, whose tensors are ranges of the flat moment. */
function momentEntries({ parameters }: Trained, moment: Tensor): readonly Entry[] {
  return parameters.map(({ tensor, torchShape }) => ({
    tensor: tensor.rangeOf(moment, momentName(moment.name, tensor.name)),
    torchShape,
  }));
}

/** Every value of a run by name: weights and running statistics under torchvision's names, moments under `optimizer.`. */
function allEntries(model: Trained, optimizer: Optimizer): readonly Entry[] {
  return [
    ...model.parameters,
    ...model.buffers,
    ...optimizer.state.flatMap(({ variable }) => momentEntries(model, variable)),
  ];
}

/** A kind of checkpoint: what its metadata call it, what people call it, and where they find one. */
export interface CheckpointKind {
  readonly format: string;
  readonly what: string;
  readonly remedy: string;
}

const pretraining: CheckpointKind = {
  format: 'simclr-webgpu checkpoint 1',
  what: 'checkpoint of simclr-webgpu',
  remedy: "take one from a run's checkpoints folder",
};

/** Writes all that a training needs to continue bit for bit, atomically. UserError: a value is not finite, or it cannot be written. */
export async function saveTraining(
  path: string,
  state: State,
  model: Trained,
  optimizer: Optimizer,
  { format }: CheckpointKind,
  settings: unknown,
  progress: { readonly step: number },
): Promise<void> {
  const values = await readEntries(state, allEntries(model, optimizer));
  for (const [name, { data }] of values) {
    const at = data.findIndex((value) => !Number.isFinite(value));
    if (at < 0) continue;
    throw new UserError(
      `step ${progress.step}: NaN or infinity appeared, first in ${name}, element ${at}; nothing was saved. Lower --lr`,
    );
  }
  const metadata = { format, settings: JSON.stringify(settings), progress: JSON.stringify(progress) };
  writeSafetensors(path, stored(values, model, progress.step), metadata);
}

/** Reads a loss scale from the device. */
export async function readLossScale(state: State, { scale, counts }: LossScaling): Promise<LossScaleProgress> {
  return { scale: (await state.read(scale))[0], counts: Array.from(await state.read(counts)) };
}

/** Sets the loss scale of a run that goes on. UserError: the checkpoint is of a run in f32. */
export function restoreLossScale(
  state: State,
  scaling: LossScaling,
  { progress, path }: Pick<Checkpoint, 'progress' | 'path'>,
): void {
  const { lossScale } = progress;
  if (!lossScale)
    throw new UserError(`${path}: has no loss scale, so it was written by an f32 run; resume with --precision f32`);
  state.write(scaling.scale, Float32Array.of(lossScale.scale));
  state.write(scaling.counts, Uint32Array.from(lossScale.counts));
}

/** Writes a checkpoint (atomically) from which the run continues bit for bit. */
export const saveCheckpoint = (
  path: string,
  state: State,
  model: SimClr,
  optimizer: Optimizer,
  settings: TrainSettings,
  progress: Progress,
): Promise<void> => saveTraining(path, state, model, optimizer, pretraining, settings, progress);

/** Tensors as the file keeps them, with PyTorch's counter of batches beside each pair of running statistics. */
export function* stored(
  values: ReadonlyMap<string, TorchTensor>,
  model: Pick<Trained, 'buffers'>,
  steps: number,
): Generator<readonly [string, StoredTensor]> {
  for (const [name, { shape, data }] of values) yield [name, { dtype: 'F32', shape, data }];
  for (const { tensor } of model.buffers) {
    if (!tensor.name.endsWith('running_mean') || !values.has(tensor.name)) continue;
    const name = tensor.name.replace(/running_mean$/, 'num_batches_tracked');
    yield [name, { dtype: 'I64', shape: [], data: BigInt64Array.of(BigInt(steps)) }];
  }
}

export interface Checkpoint {
  readonly path: string;
  readonly settings: TrainSettings;
  readonly progress: Progress;
  readonly tensors: ReadonlyMap<string, TorchTensor>;
}

/** Tensors of a file in f32, by name; without integers (PyTorch's counters of batches). */
export function floatTensors(tensors: ReadonlyMap<string, StoredTensor>): ReadonlyMap<string, TorchTensor> {
  const floats = [...tensors].filter(([, { dtype }]) => dtype !== 'I64');
  return new Map(floats.map(([name, tensor]) => [name, { shape: tensor.shape, data: toFloat32(tensor) }]));
}

/** Reads what `saveTraining` wrote. UserError: damaged, or of another kind. */
export function readTraining<P>(
  path: string,
  { format, what, remedy }: CheckpointKind,
): Pick<Checkpoint, 'path' | 'tensors'> & { readonly settings: unknown; readonly progress: P } {
  const { metadata, tensors } = readSafetensors(path);
  if (metadata['format'] !== format) {
    throw new UserError(
      `${path}: not a simclr-webgpu ${what} (its metadata say '${metadata['format'] ?? 'nothing'}'); ${remedy}`,
    );
  }
  let progress: P;
  let settings: unknown;
  try {
    progress = JSON.parse(metadata['progress'] ?? '');
    settings = JSON.parse(metadata['settings'] ?? '');
  } catch {
    throw new UserError(`${path}: its metadata are damaged; use another checkpoint`);
  }
  return { path, settings, progress, tensors: floatTensors(tensors) };
}

/** Reads a checkpoint of ours. UserError: damaged, or not one. */
export function readCheckpoint(path: string): Checkpoint {
  const read = readTraining<Progress>(path, pretraining);
  checked(progressSchema, read.progress, { source: `${path}: damaged metadata`, remedy: 'use another checkpoint' });
  return { ...read, settings: parseSettings(read.settings, path, (name) => name) };
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

/** Sets weights, statistics and moments. UserError: of another architecture; then nothing is changed. */
export function restore(
  state: State,
  model: Trained,
  optimizer: Optimizer,
  { tensors, path }: Pick<Checkpoint, 'tensors' | 'path'>,
): void {
  writeEntries(state, allEntries(model, optimizer), tensors, path);
}

/** A model as a checkpoint has it, its weights and statistics loaded into `state`. */
export function loadModel(state: State, { settings, tensors, path }: Checkpoint): SimClr {
  const model = new SimClr(modelOptions(settings));
  writeEntries(state, [...model.parameters, ...model.buffers], tensors, path);
  return model;
}
