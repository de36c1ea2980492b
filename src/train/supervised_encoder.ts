import { createHash } from 'node:crypto';
import type { State } from '../graph/state.ts';
import type { Classifier } from '../nn/classifier.ts';
import type { Entry } from '../nn/module.ts';
import { describeResNet, isTrunk, type ResNet, type ResNetOptions } from '../nn/resnet.ts';
import { checkNoOthers, entriesOf, readEntries, type TorchTensor, writeEntries } from '../nn/state_dict.ts';
import type { Checkpoint } from './checkpoint.ts';

/** A pre-trained encoder: a checkpoint, or tensors under torchvision's names. What does not belong to a ResNet's trunk is left out. */
export type PretrainedEncoder = Checkpoint | ReadonlyMap<string, TorchTensor>;

/** Digests (SHA-256) of an encoder's values, in PyTorch's layout and order. */
export interface EncoderDigest {
  readonly weights: string;
  /** Of the running statistics of its batch norms. */
  readonly statistics: string;
}

const isCheckpoint = (encoder: PretrainedEncoder): encoder is Checkpoint => 'tensors' in encoder;

/** Sets the encoder of a model. UserError: of another architecture; then nothing is changed. */
export function loadEncoder(
  state: State,
  { encoder, options }: { readonly encoder: ResNet; readonly options: Pick<ResNetOptions, 'architecture' | 'width'> },
  from: Pick<Checkpoint, 'path' | 'tensors'> | ReadonlyMap<string, TorchTensor>,
): void {
  const { tensors, path } = 'tensors' in from ? from : { tensors: from, path: 'pre-trained encoder' };
  const entries = entriesOf(encoder);
  const names = [...tensors.keys()].filter(isTrunk);
  checkNoOthers(entries, names, `a ${describeResNet(options)}`, path);
  writeEntries(state, entries, tensors, path);
}

/** A digest of what a training starts from: the trunk's tensors in the order of their names. */
export function digestOfGiven(from: PretrainedEncoder): string {
  const tensors = isCheckpoint(from) ? from.tensors : from;
  const names = [...tensors.keys()].filter(isTrunk).sort();
  return digestTensors(names.map((name) => [name, tensors.get(name)!]));
}

/** Digests of the encoder as it is in `state`. */
export async function encoderDigest(state: State, { encoder }: Classifier): Promise<EncoderDigest> {
  const digest = async (entries: readonly Entry[]) => digestTensors(await readEntries(state, entries));
  return { weights: await digest(encoder.parameters), statistics: await digest(encoder.buffers) };
}

function digestTensors(tensors: Iterable<readonly [string, TorchTensor]>): string {
  const hash = createHash('sha256');
  for (const [name, { data }] of tensors) hash.update(name).update(data);
  return hash.digest('hex');
}
