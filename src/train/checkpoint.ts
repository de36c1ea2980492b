import { readSafetensors, type StoredTensor, toFloat32, writeSafetensors } from '../data/safetensors.ts';
import { UserError } from '../errors.ts';
import type { State } from '../graph/state.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { Entry } from '../nn/module.ts';
import { readEntries, type TorchTensor, writeEntries } from '../nn/state_dict.ts';
import type { Optimizer } from '../optim/optimizer.ts';
import { SimClr } from '../ssl/simclr.ts';
import { modelOptions, parseSettings, type TrainSettings } from './settings.ts';

/** Counters of a run, without which it could not go on exactly. */
export interface Progress {
  /** Steps done. */
  readonly step: number;
  /** Sums over the steps of the epoch that is under way. */
  readonly loss: number;
  readonly accuracy: number;
}

const format = 'simclr-webgpu checkpoint 1';

/** The name under which a checkpoint keeps an optimiser's moment of a parameter. */
const momentName = (moment: string, parameter: string): string => `optimizer.${moment}.${parameter}`;

/** A moment seen parameter by parameter: entries like those of the model, whose tensors are ranges of the flat moment. */
function momentEntries(model: SimClr, moment: Tensor): readonly Entry[] {
  return model.parameters.map(({ tensor, torchShape }) => ({
    tensor: tensor.rangeOf(moment, momentName(moment.name, tensor.name)),
    torchShape,
  }));
}

/** Every value of a run by name: weights and running statistics under torchvision's names, moments under `optimizer.`. */
function allEntries(model: SimClr, optimizer: Optimizer): readonly Entry[] {
  return [
    ...model.parameters,
    ...model.buffers,
    ...optimizer.state.flatMap(({ variable }) => momentEntries(model, variable)),
  ];
}

/** Writes a checkpoint (atomically) from which the run continues bit for bit. */
export async function saveCheckpoint(
  path: string,
  state: State,
  model: SimClr,
  optimizer: Optimizer,
  settings: TrainSettings,
  progress: Progress,
): Promise<void> {
  const values = await readEntries(state, allEntries(model, optimizer));
  const metadata = { format, settings: JSON.stringify(settings), progress: JSON.stringify(progress) };
  writeSafetensors(path, stored(values, model, progress.step), metadata);
}

/** Tensors as the file keeps them, with PyTorch's counter of batches beside each pair of running statistics. */
export function* stored(
  values: ReadonlyMap<string, TorchTensor>,
  model: Pick<SimClr, 'buffers'>,
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

/** Reads a checkpoint of ours. UserError: damaged, or not one. */
export function readCheckpoint(path: string): Checkpoint {
  const { metadata, tensors } = readSafetensors(path);
  if (metadata['format'] !== format) {
    throw new UserError(
      `${path}: is no checkpoint of simclr-webgpu (its metadata say '${metadata['format'] ?? 'nothing'}'); take one from a run's checkpoints folder`,
    );
  }
  let progress: Progress;
  let settings: unknown;
  try {
    progress = JSON.parse(metadata['progress'] ?? '');
    settings = JSON.parse(metadata['settings'] ?? '');
  } catch {
    throw new UserError(`${path}: its metadata are damaged; take another checkpoint`);
  }
  const floats = [...tensors].filter(([, { dtype }]) => dtype !== 'I64');
  return {
    path,
    settings: parseSettings(settings, path, (name) => name),
    progress,
    tensors: new Map(floats.map(([name, tensor]) => [name, { shape: tensor.shape, data: toFloat32(tensor) }])),
  };
}

/** Sets weights, statistics and moments. UserError: of another architecture; then nothing is changed. */
export function restore(state: State, model: SimClr, optimizer: Optimizer, { tensors, path }: Checkpoint): void {
  writeEntries(state, allEntries(model, optimizer), tensors, path);
}

/** A model as a checkpoint has it, its weights and statistics loaded into `state`. */
export function loadModel(state: State, { settings, tensors, path }: Checkpoint): SimClr {
  const model = new SimClr(modelOptions(settings));
  writeEntries(state, [...model.parameters, ...model.buffers], tensors, path);
  return model;
}
