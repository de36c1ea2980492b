/**
 * A few steps of SimCLR on pictures by formula, and what becomes of a file of weights: the same program in Node and in a browser, whose
 * numbers are compared.
 */
import { PhotoTraining } from '../../src/browser.ts';
import type { ImageSet } from '../../src/data/images.ts';
import { Gpu } from '../../src/gpu/device.ts';
import { State } from '../../src/graph/state.ts';
import { encodeEncoder } from '../../src/train/encoder_content.ts';
import { decodeEncoder } from '../../src/train/encoder_tensors.ts';
import { type GivenSettings, parseSettings } from '../../src/train/settings.ts';
import { featuresOf } from '../../src/web/model.ts';
import { lowbias32 } from '../values.ts';

/** Pictures [count, size, size, 3] of noise in squares of four pixels, the same everywhere. */
export function formulaPictures(count: number, size: number): ImageSet {
  const bytes = (i: number) =>
    Uint8Array.from({ length: size * size * 3 }, (_, at) => {
      const [y, x, c] = [Math.floor(at / (3 * size)), Math.floor(at / 3) % size, at % 3];
      return lowbias32(((i * 64 + (y >> 2)) * 64 + (x >> 2)) * 3 + c) >>> 24;
    });
  return {
    ...{ name: 'formula', count, height: size, width: size, skipped: [] },
    read: (i, target, offset) => target.set(bytes(i), offset),
  };
}

export interface Trained {
  readonly adapter: string;
  readonly losses: readonly number[];
  /** The encoder's file. */
  readonly weights: Uint8Array<ArrayBuffer>;
  /** Of all pictures, from what was trained. */
  readonly features: Float32Array;
}

/** Trains, saves and embeds. */
export async function trainPictures(given: GivenSettings, count: number, adapter?: string): Promise<Trained> {
  const gpu = await Gpu.open(adapter === undefined ? {} : { adapter });
  const settings = parseSettings({ epochs: 1, ...given }, undefined, (name) => name);
  const set = formulaPictures(count, settings.imageSize);
  const losses: number[] = [];
  const training = await PhotoTraining.create(gpu, set, settings, { onStep: ({ loss }) => losses.push(loss) });
  await training.run();
  const { state, encoder, preparation, step } = training;
  const features = await featuresOf(training, set);
  const weights = await encodeEncoder(state, encoder, preparation, step);
  training.destroy();
  gpu.destroy();
  return { adapter: gpu.traits.adapter, losses, weights, features };
}

/** Features of the same pictures by the encoder of a file. */
export async function embedPictures(weights: Uint8Array, count: number, adapter?: string): Promise<Float32Array> {
  const gpu = await Gpu.open(adapter === undefined ? {} : { adapter });
  const state = new State(gpu);
  const { encoder, preparation } = decodeEncoder(state, weights);
  const set = formulaPictures(count, preparation.imageSize);
  const features = await featuresOf({ state, encoder, preparation, step: 0, destroy() {} }, set);
  gpu.destroy();
  return features;
}

/** Bytes as text, to be handed out of a page. */
export function base64({ buffer, byteOffset, byteLength }: Uint8Array | Float32Array): Promise<string> {
  const reader = new FileReader();
  reader.readAsDataURL(new Blob([new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength)]));
  return new Promise((resolve) => {
    reader.onload = () => resolve(String(reader.result).replace(/^[^,]*,/, ''));
  });
}
