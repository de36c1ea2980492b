import { type Preparation, preparation } from '../data/preparation.ts';
import type { State } from '../graph/state.ts';
import { checkExtension } from '../io/files.ts';
import { writeSafetensors } from '../io/safetensors.ts';
import type { Encoder } from '../nn/encoder.ts';
import { type EncoderShape, shapeMetadata } from '../nn/encoder_shape.ts';
import { isShaped, makeEncoder, type ShapedEncoder } from '../nn/encoders.ts';
import { entriesOf, readEntries, type TorchTensor } from '../nn/state_dict.ts';
import { readCheckpoint } from './checkpoint.ts';
import { moduleTensors, stored } from './checkpoint_tensors.ts';
import { checkTakesImages, kindOfSettings } from './data_kind.ts';
import { preparationMetadata } from './preparation.ts';

/** Extensions under which an encoder can be written. */
export const encoderExtensions = ['.safetensors'] as const;

/** Writes entries of torchvision's state dict, all but `fc`, and how images are prepared for them. @returns how many */
function write(
  out: string,
  encoder: ShapedEncoder,
  tensors: ReadonlyMap<string, TorchTensor>,
  steps: number,
  prepared: Preparation,
): number {
  const names = entriesOf(encoder).map(({ tensor }) => tensor.name);
  const entries = [...stored(new Map(names.map((name) => [name, tensors.get(name)!])), steps)];
  writeSafetensors(out, entries, { format: 'pt', ...shapeMetadata(encoder.shape), ...preparationMetadata(prepared) });
  return entries.length;
}

/**
 * Writes the encoder of a checkpoint: every entry of torchvision's state dict but `fc`, under the same names and shapes. The
 * metadata say how images are to be prepared.
 *
 * @throws UserError the extension of `out` is none that can be written, the checkpoint cannot be read, or its encoder takes no images
 */
export function exportEncoder(checkpoint: string, out: string): { tensors: number; shape: EncoderShape } {
  checkExtension(out, encoderExtensions, 'an encoder');
  const read = readCheckpoint(checkpoint);
  const { settings, progress } = read;
  checkTakesImages(checkpoint, kindOfSettings(settings));
  const encoder = makeEncoder(settings);
  const tensors = write(out, encoder, moduleTensors(read), progress.step, preparation(settings));
  return { tensors, shape: encoder.shape };
}

/**
 * Writes the encoder as it is in `state`, for `readEncoder`, the command line and torchvision.
 *
 * @param prepared how images were prepared for it; `preparation(settings)` of its training
 * @param steps training steps so far, PyTorch's `num_batches_tracked`
 * @throws UserError the extension of `out` is none that can be written, or the file cannot be written
 */
export async function saveEncoder(
  state: State,
  encoder: Encoder,
  out: string,
  prepared: Preparation,
  steps = 0,
): Promise<void> {
  checkExtension(out, encoderExtensions, 'an encoder');
  if (!isShaped(encoder)) throw new TypeError('saveEncoder: only an encoder of makeEncoder or a ResNet can be written');
  // A program in JavaScript may leave it out, and its file would then be one that nobody knows how to use.
  if (!(prepared?.imageSize > 0 && prepared.mean?.length === 3 && prepared.std?.length === 3)) {
    throw new TypeError('saveEncoder: give { imageSize, mean, std }, as the encoder was trained with, behind the file');
  }
  write(out, encoder, await readEntries(state, entriesOf(encoder)), steps, prepared);
}
