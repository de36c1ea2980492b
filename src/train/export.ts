import { type Preparation, preparation } from '../data/preparation.ts';
import type { State } from '../graph/state.ts';
import { checkExtension } from '../io/files.ts';
import { writeSafetensors } from '../io/safetensors.ts';
import type { Encoder } from '../nn/encoder.ts';
import type { EncoderShape } from '../nn/encoder_shape.ts';
import { makeEncoder } from '../nn/encoders.ts';
import { readCheckpoint } from './checkpoint.ts';
import { moduleTensors } from './checkpoint_tensors.ts';
import { checkTakesImages, kindOfSettings } from './data_kind.ts';
import { contentInState, encoderContent } from './encoder_content.ts';

/** Extensions under which an encoder can be written. */
export const encoderExtensions = ['.safetensors'] as const;

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
  const content = encoderContent(encoder, moduleTensors(read), progress.step, preparation(settings));
  writeSafetensors(out, content.tensors, content.metadata);
  return { tensors: content.count, shape: encoder.shape };
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
  const { tensors, metadata } = await contentInState(state, encoder, prepared, steps);
  writeSafetensors(out, tensors, metadata);
}
