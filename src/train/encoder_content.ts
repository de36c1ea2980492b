/** What is in the file of an encoder. */
import type { Preparation } from '../data/preparation.ts';
import type { State } from '../graph/state.ts';
import { encodeSafetensors, type NamedTensors } from '../io/safetensors_format.ts';
import type { Encoder } from '../nn/encoder.ts';
import { shapeMetadata } from '../nn/encoder_shape.ts';
import { isShaped, type ShapedEncoder } from '../nn/encoders.ts';
import { entriesOf, readEntries, type TorchTensor } from '../nn/state_dict.ts';
import { stored } from './checkpoint_tensors.ts';
import { preparationMetadata } from './preparation.ts';

export interface EncoderContent {
  /** Entries of torchvision's state dict, all but `fc`. */
  readonly tensors: NamedTensors;
  readonly count: number;
  /** Which network it is, and how images are prepared for it. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** The content of a file from the encoder's values; what else there is among them is left out. */
export function encoderContent(
  encoder: ShapedEncoder,
  values: ReadonlyMap<string, TorchTensor>,
  steps: number,
  prepared: Preparation,
): EncoderContent {
  const names = entriesOf(encoder).map(({ tensor }) => tensor.name);
  const tensors = [...stored(new Map(names.map((name) => [name, values.get(name)!])), steps)];
  const metadata = { format: 'pt', ...shapeMetadata(encoder.shape), ...preparationMetadata(prepared) };
  return { tensors, count: tensors.length, metadata };
}

/** The same of an encoder as it is in `state`. TypeError: it has no shape that a file can say, or `prepared` is not complete. */
export async function contentInState(
  state: State,
  encoder: Encoder,
  prepared: Preparation,
  steps: number,
): Promise<EncoderContent> {
  if (!isShaped(encoder)) throw new TypeError('only an encoder of makeEncoder or a ResNet can be written');
  // A program in JavaScript may leave it out, and its file would then be one that nobody knows how to use.
  if (!(prepared?.imageSize > 0 && prepared.mean?.length === 3 && prepared.std?.length === 3)) {
    throw new TypeError('give { imageSize, mean, std }, as the encoder was trained with');
  }
  return encoderContent(encoder, await readEntries(state, entriesOf(encoder)), steps, prepared);
}

/**
 * The encoder as it is in `state`, as the bytes of a safetensors file: what `saveEncoder` writes.
 *
 * @param prepared how images were prepared for it; `preparation(settings)` of its training
 * @param steps training steps so far, PyTorch's `num_batches_tracked`
 */
export async function encodeEncoder(
  state: State,
  encoder: Encoder,
  prepared: Preparation,
  steps = 0,
): Promise<Uint8Array<ArrayBuffer>> {
  const { tensors, metadata } = await contentInState(state, encoder, prepared, steps);
  return encodeSafetensors(tensors, metadata);
}
