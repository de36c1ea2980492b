import type { Preparation } from '../analysis/classifier.ts';
import type { State } from '../graph/state.ts';
import { checkExtension } from '../io/files.ts';
import { writeSafetensors } from '../io/safetensors.ts';
import { type ResNetShape, shapeMetadata, shapeOf } from '../nn/resnet.ts';
import { readEntries, type TorchTensor } from '../nn/state_dict.ts';
import { SimClr } from '../ssl/simclr.ts';
import { readCheckpoint } from './checkpoint.ts';
import { preparationMetadata } from './preparation.ts';
import { modelOptions, normalization } from './settings.ts';
import { stored } from './training_file.ts';

/** Extensions under which an encoder can be written. */
export const encoderExtensions = ['.safetensors'] as const;

/** Writes entries of torchvision's state dict, all but `fc`, and how images are prepared for them. @returns how many */
function write(
  out: string,
  { encoder, options }: SimClr,
  tensors: ReadonlyMap<string, TorchTensor>,
  steps: number,
  preparation: Preparation,
): number {
  const names = [...encoder.parameters, ...encoder.buffers].map(({ tensor }) => tensor.name);
  const entries = [...stored(new Map(names.map((name) => [name, tensors.get(name)!])), encoder, steps)];
  writeSafetensors(out, entries, { format: 'pt', ...shapeMetadata(options), ...preparationMetadata(preparation) });
  return entries.length;
}

/**
 * Writes the encoder of a checkpoint: every entry of torchvision's state dict but `fc`, under the same names and shapes. The
 * metadata say how images are to be prepared.
 *
 * @throws UserError the extension of `out` is none that can be written, or the checkpoint cannot be read
 */
export function exportEncoder(checkpoint: string, out: string): { tensors: number; shape: ResNetShape } {
  checkExtension(out, encoderExtensions, 'an encoder');
  const { settings, tensors, progress } = readCheckpoint(checkpoint);
  const preparation = { imageSize: settings.imageSize, ...normalization(settings) };
  const model = new SimClr(modelOptions(settings));
  return { tensors: write(out, model, tensors, progress.step, preparation), shape: shapeOf(settings) };
}

/**
 * Writes the encoder as it is in `state`, for `readEncoder`, the command line and torchvision.
 *
 * @param preparation how images were prepared for it; the options of its training have all of it
 * @param steps training steps so far, PyTorch's `num_batches_tracked`
 * @throws UserError the extension of `out` is none that can be written, or the file cannot be written
 */
export async function saveEncoder(
  state: State,
  model: SimClr,
  out: string,
  preparation: Preparation,
  steps = 0,
): Promise<void> {
  checkExtension(out, encoderExtensions, 'an encoder');
  // A program in JavaScript may leave it out, and its file would then be one that nobody knows how to use.
  if (!(preparation?.imageSize > 0 && preparation.mean?.length === 3 && preparation.std?.length === 3)) {
    throw new TypeError('saveEncoder: give { imageSize, mean, std }, as the encoder was trained with, behind the file');
  }
  const { encoder } = model;
  write(out, model, await readEntries(state, [...encoder.parameters, ...encoder.buffers]), steps, preparation);
}
