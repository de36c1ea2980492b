/** A training in a file, from which it goes on bit for bit: weights, running statistics, moments of the optimiser and counters. */
import { z } from 'zod';
import { UserError } from '../errors.ts';
import type { State } from '../graph/state.ts';
import type { Tensor } from '../graph/tensor.ts';
import { checked } from '../io/checked.ts';
import { readSafetensors, type StoredTensor, toFloat32, writeSafetensors } from '../io/safetensors.ts';
import type { Entry } from '../nn/module.ts';
import { firstNonFinite, readEntries, type TorchTensor, writeEntries } from '../nn/state_dict.ts';
import type { LossScaling } from '../optim/loss_scaling.ts';
import type { Optimizer } from '../optim/optimizer.ts';
import type { SimClr } from '../ssl/simclr.ts';

/** A step counter. */
export const stepCount = () => z.number().int().min(0).max(99_999_999);
/** Where the loss scale of a training in f16 stands: counts are good steps since the scale changed, good steps, skipped steps. */
export const lossScaleProgress = z.object({
  scale: z.number().gt(0),
  counts: z.array(z.number().int().min(0)).length(3),
});
export type LossScaleProgress = Readonly<z.infer<typeof lossScaleProgress>>;

/** What training changes in a model. */
export type Trained = Pick<SimClr, 'parameters' | 'buffers'>;

/** The name under which a checkpoint keeps an optimiser's moment of a parameter. */
const momentName = (moment: string, parameter: string): string => `optimizer.${moment}.${parameter}`;

/** A moment seen parameter by parameter: entries like those of the model, whose tensors are ranges of the flat moment. */
function momentEntries({ parameters }: Trained, moment: Tensor): readonly Entry[] {
  return parameters.map(({ tensor, torchShape }) => ({
    tensor: tensor.rangeOf(moment, momentName(moment.name, tensor.name)),
    torchShape,
  }));
}

/** Every value of a training by name: weights and running statistics under torchvision's names, moments under `optimizer.`. */
export function trainingEntries(model: Trained, optimizer: Optimizer): readonly Entry[] {
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

/** What is read from a checkpoint. */
export interface TrainingFile<P> {
  readonly path: string;
  readonly settings: unknown;
  readonly progress: P;
  readonly tensors: ReadonlyMap<string, TorchTensor>;
}

/**
 * Writes all that a training needs to continue bit for bit, atomically.
 * @param advice what to do about values that are not finite
 * @throws UserError a value is not finite, or it cannot be written
 */
export async function saveTraining(
  path: string,
  state: State,
  model: Trained,
  optimizer: Optimizer,
  { format }: CheckpointKind,
  settings: unknown,
  progress: { readonly step: number },
  advice: () => string,
): Promise<void> {
  const values = await readEntries(state, trainingEntries(model, optimizer));
  for (const [name, { data }] of values) {
    const at = firstNonFinite(data);
    if (at < 0) continue;
    throw new UserError(
      `step ${progress.step}: NaN or infinity appeared, first in ${name}, element ${at}; nothing was saved. ${advice()}`,
    );
  }
  const metadata = { format, settings: JSON.stringify(settings), progress: JSON.stringify(progress) };
  writeSafetensors(path, stored(values, model, progress.step), metadata);
}

/** PyTorch's counters of batches, which nothing here depends on. */
const batchCounter = /(^|\.)num_batches_tracked$/;

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

const floats: readonly StoredTensor['dtype'][] = ['F32', 'F16', 'BF16', 'F64'];

/** Tensors of a file in f32, by name; without counters of batches. UserError: one has integers. */
export function floatTensors(
  tensors: Iterable<readonly [string, StoredTensor]>,
  path: string,
): ReadonlyMap<string, TorchTensor> {
  const found = new Map<string, TorchTensor>();
  for (const [name, tensor] of tensors) {
    if (batchCounter.test(name)) continue;
    if (!floats.includes(tensor.dtype)) {
      throw new UserError(
        `${path}: tensor '${name}' has dtype ${tensor.dtype}, expected ${floats.join(', ')}; convert it, or give another file`,
      );
    }
    found.set(name, { shape: tensor.shape, data: toFloat32(tensor) });
  }
  return found;
}

/** Reads what `saveTraining` wrote; the tensors are not checked yet. UserError: damaged, or of another kind. */
export function readTraining<P>(
  path: string,
  { format, what, remedy }: CheckpointKind,
  progressSchema: z.ZodType<P>,
): TrainingFile<P> {
  const { metadata, tensors } = readSafetensors(path);
  if (metadata['format'] !== format) {
    throw new UserError(
      `${path}: not a simclr-webgpu ${what} (its metadata say '${metadata['format'] ?? 'nothing'}'); ${remedy}`,
    );
  }
  let progress: unknown;
  let settings: unknown;
  try {
    progress = JSON.parse(metadata['progress'] ?? '');
    settings = JSON.parse(metadata['settings'] ?? '');
  } catch {
    throw new UserError(`${path}: its metadata are damaged; use another checkpoint`);
  }
  const source = { source: `${path}: damaged metadata`, remedy: 'use another checkpoint' };
  return { path, settings, progress: checked(progressSchema, progress, source), tensors: floatTensors(tensors, path) };
}

/** Sets weights, statistics and moments. UserError: of another architecture, or damaged; then nothing is changed. */
export function restore(
  state: State,
  model: Trained,
  optimizer: Optimizer,
  { tensors, path }: Pick<TrainingFile<unknown>, 'tensors' | 'path'>,
): void {
  writeEntries(state, trainingEntries(model, optimizer), tensors, path);
}

/** Reads a loss scale from the device. */
export async function readLossScale(state: State, { scale, counts }: LossScaling): Promise<LossScaleProgress> {
  return { scale: (await state.read(scale))[0], counts: Array.from(await state.read(counts)) };
}

interface Scaled {
  readonly step: number;
  readonly lossScale?: LossScaleProgress | undefined;
}

/** Sets the loss scale of a run that goes on. UserError: the checkpoint is of a run in f32. */
export function restoreLossScale(
  state: State,
  scaling: LossScaling,
  { progress, path }: Pick<TrainingFile<Scaled>, 'progress' | 'path'>,
): void {
  const { lossScale } = progress;
  if (!lossScale)
    throw new UserError(`${path}: has no loss scale, so it was written by an f32 run; resume with --precision f32`);
  state.write(scaling.scale, Float32Array.of(lossScale.scale));
  state.write(scaling.counts, Uint32Array.from(lossScale.counts));
}
