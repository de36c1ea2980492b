/** Encoders whose every number counts, and ONNX models as onnxruntime computes them. */
import type { ImageSet } from '../../src/data/images.ts';
import type { Preparation } from '../../src/data/preparation.ts';
import type { State } from '../../src/graph/state.ts';
import type { Module } from '../../src/nn/module.ts';
import { entriesOf, readEntries, type TorchTensor, writeEntries } from '../../src/nn/state_dict.ts';
import { noise } from '../ops/harness.ts';
import { onnxruntime } from '../packages.ts';

/** How far from its first value, or from 0, each kind of tensor is drawn: after training none of them is what it starts with. */
function spread(name: string): { scale: number; offset: number } | undefined {
  if (name.endsWith('running_var')) return { scale: 0.5, offset: 1 };
  if (name.endsWith('running_mean')) return { scale: 0.3, offset: 0.1 };
  if (/(bn\d*|norm\d*|downsample\.1|head\.1)\.weight$/.test(name)) return { scale: 0.4, offset: 1 };
  return name.endsWith('bias') ? { scale: 0.2, offset: 0.05 } : undefined;
}

/** Draws the values of an encoder into `state`. @returns them in PyTorch's layout */
export async function drawValues(state: State, encoder: Module): Promise<ReadonlyMap<string, TorchTensor>> {
  const entries = entriesOf(encoder);
  const first = await readEntries(state, entries);
  const values = [...first].map(([name, tensor], i): [string, TorchTensor] => {
    const { scale, offset } = spread(name) ?? {};
    const data = scale === undefined ? tensor.data : noise(tensor.data.length, i + 1, scale, offset);
    return [name, { ...tensor, data }];
  });
  const drawn = new Map(values);
  writeEntries(state, entries, drawn, 'drawn values');
  return drawn;
}

/** Pixels of some images of a set, RGB [N, 3, H, W], u8. */
export function planesOf(set: ImageSet, indices: readonly number[]): Uint8Array {
  const area = set.height * set.width;
  const planes = new Uint8Array(indices.length * 3 * area);
  const pixels = new Uint8Array(3 * area);
  indices.forEach((index, n) => {
    set.read(index, pixels, 0);
    for (let i = 0; i < area; i++) for (let c = 0; c < 3; c++) planes[(3 * n + c) * area + i] = pixels[3 * i + c];
  });
  return planes;
}

/** The same from 0 to 1, or normalised. */
export function floatsOf(planes: Uint8Array, size: number, how?: Pick<Preparation, 'mean' | 'std'>): Float32Array {
  return Float32Array.from(planes, (value, i) => {
    const c = Math.floor(i / (size * size)) % 3;
    return how ? (value / 255 - how.mean[c]) / how.std[c] : value / 255;
  });
}

/** What a model makes of images [N, 3, height, width]. */
export async function runModel(
  model: Uint8Array | string,
  images: Float32Array | Uint8Array,
  [height, width]: readonly [number, number],
): Promise<Float32Array> {
  const { InferenceSession, Tensor } = onnxruntime!;
  // The bytes or the path: the type is the same to the runtime, and not to TypeScript.
  const session = await InferenceSession.create(model as string);
  try {
    const type = images instanceof Uint8Array ? 'uint8' : 'float32';
    const given = new Tensor(type as 'float32', images as Float32Array, [
      images.length / (3 * height * width),
      ...[3, height, width],
    ]);
    const { [session.outputNames[0]]: features } = await session.run({ [session.inputNames[0]]: given });
    return features.data as Float32Array;
  } finally {
    await session.release();
  }
}
