import { UserError } from '../errors.ts';
import type { State } from '../graph/state.ts';
import { elements, type Shape } from '../graph/tensor.ts';
import type { Module, NamedTensor } from './module.ts';
import { resampledPlaces } from './positions.ts';

/** A float tensor as PyTorch would hold it: row-major, convolution weights `OIHW`, or `[O, I, k]` in one dimension. */
export interface TorchTensor {
  readonly shape: Shape;
  readonly data: Float32Array;
}

/** Of an image or, with kernels of height 1, of a sequence. */
const isConvolution = ({ tensor, torchShape }: NamedTensor): boolean =>
  torchShape.length === 4 || (torchShape.length === 3 && tensor.shape.length === 4);

/** From `[O, kh, kw, I padded]`, or rows of it, to `OIHW` or `[O, I, k]`; other tensors are the same in both. */
export function toTorch(entry: NamedTensor, data: Float32Array): TorchTensor {
  const shape = entry.torchShape;
  if (!isConvolution(entry)) return { shape, data: data.slice() };
  const result = new Float32Array(elements(shape));
  forWeights(entry, (ours, theirs) => {
    result[theirs] = data[ours];
  });
  return { shape, data: result };
}

/** From PyTorch's layout to ours, with zeros for padded channels. */
export function fromTorch(entry: NamedTensor, data: Float32Array): Float32Array {
  if (!isConvolution(entry)) return data;
  const result = new Float32Array(entry.tensor.size);
  forWeights(entry, (ours, theirs) => {
    result[ours] = data[theirs];
  });
  return result;
}

/** Where each weight of a convolution lies in both layouts; without divisions, as a checkpoint has tens of millions of them. */
function forWeights({ tensor, torchShape }: NamedTensor, visit: (ours: number, theirs: number) => void): void {
  const [outputs, channels, ...sides] = torchShape;
  const kernel = elements(sides);
  const padded = tensor.size / (outputs * kernel);
  for (let output = 0, theirs = 0; output < outputs; output++) {
    for (let channel = 0; channel < channels; channel++) {
      let ours = output * kernel * padded + channel;
      for (let k = 0; k < kernel; k++, ours += padded) visit(ours, theirs++);
    }
  }
}

/** Values of entries in PyTorch's layout, by name. `valuesOf` may be another variable of the same layout (a moment). */
export async function readEntries(state: State, entries: readonly NamedTensor[]): Promise<Map<string, TorchTensor>> {
  const values = await state.readAll(entries.map(({ tensor }) => tensor));
  return new Map(entries.map((entry) => [entry.tensor.name, toTorch(entry, values.get(entry.tensor) as Float32Array)]));
}

type Tensors = ReadonlyMap<string, TorchTensor>;

/**
 * The check of every tensor that is read from a file: all entries are there, in PyTorch's shapes, with finite values.
 * @throws UserError names the first tensor that is wrong, in the order of the entries
 */
export function checkTensors(entries: readonly NamedTensor[], tensors: Tensors, source: string): void {
  for (const { tensor, torchShape } of entries) {
    const { name } = tensor;
    const found = tensors.get(name);
    const expected = `[${torchShape.join(', ')}]`;
    if (!found) throw new UserError(`${source}: tensor '${name}' is missing, expected ${expected}; ${another}`);
    if (found.shape.join() !== torchShape.join()) {
      const shapes = `[${found.shape.join(', ')}], expected ${expected}`;
      throw new UserError(`${source}: tensor '${name}' has shape ${shapes}; ${another}`);
    }
    checkFinite(name, found, source);
  }
}

const another = 'the file is damaged, or of another architecture or projection head: give another one';

/** UserError: a value of a tensor is NaN or infinite. */
export function checkFinite(name: string, { data }: TorchTensor, source: string): void {
  const at = indexOfNonFinite(data);
  if (at < 0) return;
  throw new UserError(
    `${source}: tensor '${name}' has a value that is not finite (element ${at} is ${data[at]}); give another file`,
  );
}

/** UserError: there are tensors that the entries do not have: they are of a larger network. */
export function checkNoOthers(
  entries: readonly NamedTensor[],
  names: Iterable<string>,
  what: string,
  source: string,
): void {
  const known = new Set(entries.map(({ tensor }) => tensor.name));
  for (const name of names) {
    if (known.has(name)) continue;
    throw new UserError(`${source}: has a tensor '${name}', which ${what} does not have; choose its architecture`);
  }
}

/** Sets entries from tensors in PyTorch's layout. UserError: see `checkTensors`; then nothing is changed. */
export function writeEntries(state: State, entries: readonly NamedTensor[], tensors: Tensors, source: string): void {
  checkTensors(entries, tensors, source);
  for (const entry of entries) state.write(entry.tensor, fromTorch(entry, tensors.get(entry.tensor.name)!.data));
}

/**
 * Tensors of a file for a network whose positions are of another grid: those of a vision transformer, `pos_embed` [1, 1 + g², D], are
 * interpolated as timm does, bicubic; all others are as they are.
 */
export function withFittedPlaces(entries: readonly NamedTensor[], tensors: Tensors): Tensors {
  const fitted = new Map(tensors);
  for (const { tensor, torchShape } of entries) {
    const found = tensors.get(tensor.name);
    if (!/(^|\/)pos_embed$/.test(tensor.name) || !found || found.shape.join() === torchShape.join()) continue;
    const [from, to] = [found.shape[1], torchShape[1]].map((tokens) => Math.sqrt(tokens - 1));
    if (found.shape.length === 3 && found.shape[2] === torchShape[2] && Number.isInteger(from) && Number.isInteger(to))
      fitted.set(tensor.name, { shape: torchShape, data: resampledTokens(found.data, torchShape[2], from, to) });
  }
  return fitted;
}

/** Embeddings of a class token and of the places of a grid → of a grid of another size. */
function resampledTokens(data: Float32Array, dimensions: number, from: number, to: number): Float32Array {
  const matrix = resampledPlaces(from, to);
  const result = new Float32Array((1 + to * to) * dimensions);
  result.set(data.subarray(0, dimensions));
  for (let place = 0; place < to * to; place++)
    for (let other = 0; other < from * from; other++) {
      const weight = matrix[place * from * from + other];
      if (weight === 0) continue;
      for (let d = 0; d < dimensions; d++)
        result[(1 + place) * dimensions + d] += weight * data[(1 + other) * dimensions + d];
    }
  return result;
}

/** Parameters and buffers. */
export const entriesOf = (module: Module): readonly NamedTensor[] => [...module.parameters, ...module.buffers];

/** Index of the first element that is NaN or infinite, or −1. A loop: files of a training have tens of millions of values. */
export function indexOfNonFinite(data: ArrayLike<number>): number {
  for (let i = 0; i < data.length; i++) if (!Number.isFinite(data[i])) return i;
  return -1;
}
