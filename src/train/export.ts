import { writeSafetensors } from '../data/safetensors.ts';
import type { State } from '../graph/state.ts';
import { readEntries, type TorchTensor } from '../nn/state_dict.ts';
import { SimClr } from '../ssl/simclr.ts';
import { readCheckpoint, stored } from './checkpoint.ts';
import { modelOptions, normalization } from './settings.ts';

/** Writes entries of torchvision's state dict, all but `fc`, with metadata. @returns how many */
function write(
  out: string,
  { encoder, options }: SimClr,
  tensors: ReadonlyMap<string, TorchTensor>,
  steps: number,
  metadata: Readonly<Record<string, string>>,
): number {
  const names = [...encoder.parameters, ...encoder.buffers].map(({ tensor }) => tensor.name);
  const entries = [...stored(new Map(names.map((name) => [name, tensors.get(name)!])), encoder, steps)];
  const { architecture, stem } = options;
  writeSafetensors(out, entries, { format: 'pt', architecture, stem, ...metadata });
  return entries.length;
}

/**
 * Writes the encoder of a checkpoint: every entry of torchvision's state dict but `fc`, under the same names and shapes. The
 * metadata say how images are to be prepared.
 */
export function exportEncoder(checkpoint: string, out: string): { tensors: number; architecture: string } {
  const { settings, tensors, progress } = readCheckpoint(checkpoint);
  const { mean, std } = normalization(settings);
  const metadata = { image_size: String(settings.imageSize), mean: JSON.stringify(mean), std: JSON.stringify(std) };
  const model = new SimClr(modelOptions(settings));
  return { tensors: write(out, model, tensors, progress.step, metadata), architecture: settings.architecture };
}

/** Writes the encoder as it is in `state` after `steps` training steps, for torchvision. */
export async function saveEncoder(state: State, model: SimClr, out: string, steps = 0): Promise<void> {
  const { encoder } = model;
  write(out, model, await readEntries(state, [...encoder.parameters, ...encoder.buffers]), steps, {});
}
