/** Encoders in files. */
import type { State } from '../graph/state.ts';
import type { Naming } from '../io/checked.ts';
import { readSafetensors } from '../io/safetensors.ts';
import { digestOfEncoder } from './digests.ts';
import {
  type EncoderTensors,
  encoderIn,
  encoderTensorsIn,
  type GivenEncoder,
  type LoadedEncoder,
  loaded,
  type StoredEncoder,
} from './encoder_tensors.ts';
import { flagOf } from './settings.ts';

export {
  type EncoderTensors,
  type GivenEncoder,
  type LoadedEncoder,
  loadStoredEncoder as loadEncoderFile,
} from './encoder_tensors.ts';

/** An encoder of a file before it is on a device, and how images are prepared for it. */
export interface EncoderFile extends StoredEncoder {
  /** SHA-256 of the values: what is cached under it belongs to this encoder. */
  readonly digest: string;
}

/**
 * Reads the tensors of an encoder from any safetensors file that has torchvision's names, without moments of an optimiser.
 * @throws UserError no such file, damaged, of sequences, not a ResNet-18, -34 or -50, a tensor that is not as it should be, or no such layer
 */
export const readEncoderTensors = (
  path: string,
  given: Pick<GivenEncoder, 'fromHeadLayer'> = {},
  name: Naming = flagOf,
): EncoderTensors => encoderTensorsIn(readSafetensors(path), path, given, name);

/**
 * Reads an encoder and how images are prepared for it. What is `given` overrides what the file says about preparation.
 *
 * @param name how the error calls the settings that are missing: by their flags, or as the library does
 * @throws UserError no such file, damaged, not a ResNet-18, -34 or -50, or neither the file nor the caller says how images are prepared
 */
export function readEncoderFile(path: string, given: GivenEncoder = {}, name: Naming = flagOf): EncoderFile {
  const stored = encoderIn(readSafetensors(path), path, given, name);
  return { ...stored, digest: digestOfEncoder(stored, stored.tensors) };
}

/**
 * Reads an encoder into `state`: what `saveEncoder` or `simclr export` wrote, a run's checkpoint, or torchvision's ResNet-18, -34 or
 * -50 as safetensors.
 *
 * @param given overrides what the file says, and is needed where it says nothing: `imageSize` in pixels, `normalize` 'imagenet',
 *   'half' or 'none'. `fromHeadLayer` 1 takes the first layer of the projection head too, where the file has one
 * @throws UserError no such file, damaged, not a ResNet-18, -34 or -50, nobody says how images are prepared, or there is no such layer
 */
export const readEncoder = (state: State, path: string, given: GivenEncoder = {}): LoadedEncoder =>
  loaded(
    state,
    readEncoderFile(path, given, (setting) => setting),
  );
