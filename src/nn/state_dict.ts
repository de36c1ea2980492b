import { UserError } from '../errors.ts';
import type { State } from '../graph/state.ts';
import { elements, type Shape } from '../graph/tensor.ts';
import type { Entry, Module } from './module.ts';

/** A float tensor as PyTorch would hold it: row-major, convolution weights `OIHW`. */
export interface TorchTensor {
  readonly shape: Shape;
  readonly data: Float32Array;
}

const isConvolution = ({ torchShape }: Entry): boolean => torchShape.length === 4;

/** From `[O, kh, kw, I padded]` to `OIHW`; other tensors are the same in both. */
export function toTorch(entry: Entry, data: Float32Array): TorchTensor {
  const shape = entry.torchShape;
  if (!isConvolution(entry)) return { shape, data: data.slice() };
  const [, channels, height, width] = shape;
  const padded = entry.tensor.shape[3];
  const result = new Float32Array(elements(shape));
  for (let i = 0; i < result.length; i++) {
    const kernel = i % (height * width);
    const channel = Math.floor(i / (height * width)) % channels;
    const output = Math.floor(i / (height * width * channels));
    result[i] = data[(output * height * width + kernel) * padded + channel];
  }
  return { shape, data: result };
}

/** From PyTorch's layout to ours, with zeros for padded channels. */
export function fromTorch(entry: Entry, data: Float32Array): Float32Array {
  if (!isConvolution(entry)) return data;
  const [, channels, height, width] = entry.torchShape;
  const padded = entry.tensor.shape[3];
  const result = new Float32Array(entry.tensor.size);
  for (let i = 0; i < data.length; i++) {
    const kernel = i % (height * width);
    const channel = Math.floor(i / (height * width)) % channels;
    const output = Math.floor(i / (height * width * channels));
    result[(output * height * width + kernel) * padded + channel] = data[i];
  }
  return result;
}

/** Values of entries in PyTorch's layout, by name. `valuesOf` may be another variable of the same layout (a moment). */
export async function readEntries(state: State, entries: readonly Entry[]): Promise<Map<string, TorchTensor>> {
  const values = await state.readAll(entries.map(({ tensor }) => tensor));
  return new Map(entries.map((entry) => [entry.tensor.name, toTorch(entry, values.get(entry.tensor) as Float32Array)]));
}

/** Sets entries from tensors in PyTorch's layout. UserError: one is missing or has another shape; then nothing is changed. */
export function writeEntries(
  state: State,
  entries: readonly Entry[],
  tensors: ReadonlyMap<string, TorchTensor>,
  source: string,
): void {
  const checked = entries.map((entry) => {
    const { name } = entry.tensor;
    const found = tensors.get(name);
    if (!found)
      throw new UserError(
        `${source}: tensor '${name}' is missing; the file belongs to another architecture or projection head`,
      );
    if (found.shape.join() !== entry.torchShape.join()) {
      const shapes = `[${found.shape.join(', ')}], expected [${entry.torchShape.join(', ')}]`;
      throw new UserError(
        `${source}: tensor '${name}' has shape ${shapes}; the file belongs to another architecture or projection head`,
      );
    }
    return [entry, found] as const;
  });
  for (const [entry, { data }] of checked) state.write(entry.tensor, fromTorch(entry, data));
}

/** Parameters and buffers. */
export const entriesOf = (module: Module): readonly Entry[] => [...module.parameters, ...module.buffers];
