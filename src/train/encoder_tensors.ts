import { type Normalize, normalization, type Preparation } from '../data/preparation.ts';
import type { State } from '../graph/state.ts';
import type { Naming } from '../io/checked.ts';
import type { StoredTensor } from '../io/dtypes.ts';
import { decodeSafetensors, type Safetensors } from '../io/safetensors_format.ts';
import type { Encoder } from '../nn/encoder.ts';
import { type Architecture, describeEncoder, type EncoderShape, isTrunk, shapeOf } from '../nn/encoder_shape.ts';
import { encoderOf } from '../nn/encoders.ts';
import type { HeadShape } from '../nn/headed_encoder.ts';
import {
  checkFinite,
  checkNoOthers,
  checkTensors,
  entriesOf,
  type TorchTensor,
  writeEntries,
} from '../nn/state_dict.ts';
import { namedAsHere } from '../onnx/hugging_face_names.ts';
import { floatTensors, modulePrefix } from './checkpoint_tensors.ts';
import { checkTakesImages, kindInFile } from './data_kind.ts';
import { layersInEncoder, methodIn, readHead } from './head_file.ts';
import { type GivenPreparation, missingPreparation, normalizeNamed, storedPreparation } from './preparation.ts';
import { flagOf } from './settings.ts';
import { shapeIn } from './stored_shape.ts';

/** The tensors of a file that has an encoder. */
export interface EncoderTensors extends EncoderShape {
  readonly path: string;
  /** Weights and running statistics under torchvision's names, and those of `head`: `head.0.weight`, … */
  readonly tensors: ReadonlyMap<string, TorchTensor>;
  /** The layers of the projection head that the encoder ends with; undefined: none. */
  readonly head: HeadShape | undefined;
  /** What follows the encoder: a projection head (`fc.0.weight`, …), a classifier (`fc.weight`), or nothing. */
  readonly fc: ReadonlyMap<string, TorchTensor>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** An encoder before it is on a device, and how images are prepared for it. */
export interface StoredEncoder extends Preparation, EncoderShape, Pick<EncoderTensors, 'path' | 'tensors' | 'head'> {
  /** The name of `mean` and `std`; undefined where they are none of those that have one. */
  readonly normalize: Normalize | undefined;
  /** The method that it was trained with, where the file is of a run. */
  readonly method: string | undefined;
  /** What the caller said about preparation; the rest came from the file. */
  readonly given: GivenEncoder;
}

/** What a caller says of an encoder in a file. */
export interface GivenEncoder extends GivenPreparation {
  /**
   * Its features are those behind so many layers of the projection head that the file has; 0: the encoder's own. By default as many as an
   * exported encoder ends with, 0 in all other files.
   */
  readonly fromHeadLayer?: number | undefined;
}

/**
 * The tensors of an encoder in any safetensors file that has torchvision's, timm's or transformers' names, without moments of an optimiser.
 * @param path stands for the file in errors
 * @throws UserError of sequences, not a ResNet-18, -34 or -50, a tensor that is not as it should be, or no such layer
 */
export function encoderTensorsIn(
  { tensors: all, metadata }: Safetensors,
  path: string,
  { fromHeadLayer = 0 }: Pick<GivenEncoder, 'fromHeadLayer'> = {},
  name: Naming = flagOf,
): EncoderTensors {
  checkTakesImages(path, kindInFile(metadata));
  const stored = namedAsHere(networksOf(all, metadata));
  const named = (wanted: (name: string) => boolean) =>
    floatTensors(
      [...stored].filter(([tensor]) => wanted(tensor)),
      path,
    );
  const [trunk, fc] = [named(isTrunk), named((tensor) => tensor.startsWith('fc.'))];
  const shape = shapeIn(trunk, metadata, path);
  const kept = fromHeadLayer > 0 ? readHead(stored, metadata, path, fromHeadLayer, name) : undefined;
  const tensors = kept ? new Map([...trunk, ...kept.tensors]) : trunk;
  const entries = entriesOf(encoderOf({ ...shape, head: kept?.shape, seed: 0 }));
  checkTensors(entries, tensors, path);
  checkNoOthers(entries, trunk.keys(), `a ${describeEncoder(shape)}`, path);
  for (const [tensor, value] of fc) checkFinite(tensor, value, path);
  return { path, ...shape, tensors, head: kept?.shape, fc, metadata };
}

/**
 * An encoder in a file, and how images are prepared for it. What is `given` overrides what the file says about preparation.
 *
 * @param path stands for the file in errors
 * @param name how the error calls the settings that are missing: by their flags, or as the library does
 * @throws UserError see `encoderTensorsIn`, or neither the file nor the caller says how images are prepared
 */
export function encoderIn(
  file: Safetensors,
  path: string,
  given: GivenEncoder = {},
  name: Naming = flagOf,
): StoredEncoder {
  const { fromHeadLayer = layersInEncoder(file.metadata, path) } = given;
  const { tensors: floats, metadata, head, ...found } = encoderTensorsIn(file, path, { fromHeadLayer }, name);
  const told = storedPreparation(metadata, path, name);
  const { grid, patch } = found;
  const imageSize = given.imageSize ?? told.imageSize ?? (grid && patch ? grid * patch : undefined);
  const colours = given.normalize ? normalization({ normalize: given.normalize }) : told.colours;
  if (imageSize === undefined || colours === undefined) {
    throw missingPreparation(path, metadata, { imageSize, colours }, name);
  }
  const shape = shapeOf({ ...found, colours });
  const names = entriesOf(encoderOf({ ...shape, head, seed: 0 })).map(({ tensor }) => tensor.name);
  const tensors = new Map(names.map((tensor) => [tensor, floats.get(tensor)!]));
  const { mean, std } = colours;
  const { settings } = metadata;
  const method = settings === undefined ? metadata['method'] : methodIn(settings, path);
  const prepared = { imageSize, mean, std, normalize: normalizeNamed(colours) };
  return { path, ...shape, head, ...prepared, method, given, tensors };
}

/** A checkpoint has its networks' tensors under a prefix, beside others. */
const networksOf = (tensors: ReadonlyMap<string, StoredTensor>, { settings }: EncoderTensors['metadata']) =>
  settings === undefined || ![...tensors.keys()].some((name) => name.startsWith(modulePrefix))
    ? tensors
    : new Map(
        [...tensors]
          .filter(([name]) => name.startsWith(modulePrefix))
          .map(([name, tensor]) => [name.slice(modulePrefix.length), tensor]),
      );

/** The encoder with its values in `state`. UserError: a tensor is missing or has another shape. */
export function loadStoredEncoder(state: State, stored: StoredEncoder): Encoder {
  const { tensors, path, head } = stored;
  const encoder = encoderOf({ ...shapeOf(stored), head, seed: 0 });
  writeEntries(state, entriesOf(encoder), tensors, path);
  return encoder;
}

/** What `readEncoder` and `decodeEncoder` return. */
export interface LoadedEncoder {
  /** Its weights and statistics are in the state: embed images with `Embedder.create(state, encoder, images, preparation)`. */
  readonly encoder: Encoder;
  readonly architecture: Architecture;
  /** How images are prepared for it; load photos at `imageSize`. */
  readonly preparation: Preparation;
}

/** A stored encoder in `state`, as users of the library are given it. */
export function loaded(state: State, stored: StoredEncoder): LoadedEncoder {
  const { architecture, imageSize, mean, std } = stored;
  return { encoder: loadStoredEncoder(state, stored), architecture, preparation: { imageSize, mean, std } };
}

/**
 * Reads an encoder from the bytes of a safetensors file into `state`; see `readEncoder`.
 * @param name stands for the file in errors
 */
export const decodeEncoder = (
  state: State,
  bytes: Uint8Array,
  name = 'encoder',
  given: GivenEncoder = {},
): LoadedEncoder =>
  loaded(
    state,
    encoderIn(decodeSafetensors(bytes, name), name, given, (setting) => setting),
  );
