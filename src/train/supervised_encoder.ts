import { createHash } from 'node:crypto';
import type { State } from '../graph/state.ts';
import type { Encoder } from '../nn/encoder.ts';
import { describeEncoder, isTrunk } from '../nn/encoder_shape.ts';
import { isShaped } from '../nn/encoders.ts';
import { type HeadShape, keptHead } from '../nn/headed_encoder.ts';
import type { NamedTensor } from '../nn/module.ts';
import { checkNoOthers, readEntries, type TorchTensor, withFittedPlaces, writeEntries } from '../nn/state_dict.ts';
import type { Checkpoint } from './checkpoint.ts';
import { moduleTensors } from './checkpoint_tensors.ts';

/** A pre-trained encoder: a checkpoint, or tensors under torchvision's names. What does not belong to a ResNet's trunk is left out. */
export type PretrainedEncoder = Checkpoint | ReadonlyMap<string, TorchTensor>;

const isCheckpoint = (encoder: PretrainedEncoder): encoder is Checkpoint => 'tensors' in encoder;

/** The values of the networks of either, by their own names. */
const valuesOf = (from: PretrainedEncoder): ReadonlyMap<string, TorchTensor> =>
  isCheckpoint(from) ? moduleTensors(from) : from;

/** Where an encoder's tensors are from, for messages, and they. */
export const originOf = (from: PretrainedEncoder): EncoderOrigin => ({
  path: isCheckpoint(from) ? from.path : 'pre-trained encoder',
  tensors: valuesOf(from),
});

export interface EncoderOrigin {
  readonly path: string;
  /** Under torchvision's names, and `head.*`; others than the encoder's are left out. */
  readonly tensors: ReadonlyMap<string, TorchTensor>;
}

/** Digests (SHA-256) of an encoder's values, in PyTorch's layout and order. */
export interface EncoderDigest {
  readonly weights: string;
  /** Of the running statistics of its batch norms. */
  readonly statistics: string;
}

/** Sets the values of an encoder. UserError: of another architecture; then nothing is changed. */
export function loadEncoder(state: State, encoder: Encoder, { tensors, path }: EncoderOrigin): void {
  const entries = [...encoder.parameters, ...encoder.buffers];
  const names = [...tensors.keys()].filter(isTrunk);
  const what = isShaped(encoder) ? `a ${describeEncoder(encoder.shape)}` : 'the encoder';
  checkNoOthers(entries, names, what, path);
  writeEntries(state, entries, withFittedPlaces(entries, tensors), path);
}

/** A digest of what a training starts from: the tensors of the trunk, and of the head's layers, in the order of their names. */
export function digestOfGiven(from: PretrainedEncoder, head?: HeadShape): string {
  const tensors = valuesOf(from);
  const taken = (name: string) => isTrunk(name) || (head !== undefined && name.startsWith(`${keptHead}.`));
  const names = [...tensors.keys()].filter(taken).sort();
  return digestTensors(names.map((name) => [name, tensors.get(name)!]));
}

/** Digests of an encoder, or a part of one, as it is in `state`. */
export async function encoderDigest(
  state: State,
  encoder: Pick<Encoder, 'parameters' | 'buffers'>,
): Promise<EncoderDigest> {
  const digest = async (entries: readonly NamedTensor[]) => digestTensors(await readEntries(state, entries));
  return { weights: await digest(encoder.parameters), statistics: await digest(encoder.buffers) };
}

function digestTensors(tensors: Iterable<readonly [string, TorchTensor]>): string {
  const hash = createHash('sha256');
  for (const [name, { data }] of tensors) hash.update(name).update(data);
  return hash.digest('hex');
}
