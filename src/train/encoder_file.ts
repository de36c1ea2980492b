/** Encoders in files: a checkpoint of ours, an exported encoder, a classifier, or torchvision's ResNet-18, -34 or -50. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { type Normalize, normalization, type Preparation } from '../data/preparation.ts';
import { UserError } from '../errors.ts';
import type { State } from '../graph/state.ts';
import type { Naming } from '../io/checked.ts';
import { readSafetensors, type StoredTensor } from '../io/safetensors.ts';
import type { Encoder } from '../nn/encoder.ts';
import {
  type Architecture,
  architectures,
  describeEncoder,
  type EncoderShape,
  encoderInputs,
  isTrunk,
  isVit,
  labHalves,
  shapeOf,
} from '../nn/encoder_shape.ts';
import { encoderOf } from '../nn/encoders.ts';
import type { HeadShape } from '../nn/headed_encoder.ts';
import { withoutNetwork } from '../nn/module.ts';
import { baseChannels, resnetNames, resnets, stems } from '../nn/resnet.ts';
import { Bottleneck, norms } from '../nn/resnet_blocks.ts';
import {
  checkFinite,
  checkNoOthers,
  checkTensors,
  entriesOf,
  type TorchTensor,
  writeEntries,
} from '../nn/state_dict.ts';
import { positionKinds, vitNames, vits } from '../nn/vit.ts';
import { floatTensors, modulePrefix } from './checkpoint_tensors.ts';
import { checkTakesImages, kindInFile } from './data_kind.ts';
import { methodIn, readHead } from './head_file.ts';
import { type GivenPreparation, missingPreparation, normalizeNamed, storedPreparation } from './preparation.ts';
import { flagOf } from './settings.ts';

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
export interface EncoderFile extends Preparation, EncoderShape, Pick<EncoderTensors, 'path' | 'tensors' | 'head'> {
  /** The name of `mean` and `std`; undefined where they are none of those that have one. */
  readonly normalize: Normalize | undefined;
  /** The method that it was trained with, where the file is of a run. */
  readonly method: string | undefined;
  /** What the caller said about preparation; the rest came from the file. */
  readonly given: GivenEncoder;
  /** SHA-256 of the values: what is cached under it belongs to this encoder. */
  readonly digest: string;
}

/** What a caller says of an encoder in a file. */
export interface GivenEncoder extends GivenPreparation {
  /** Its features are those behind so many layers of the projection head that the file has; 0, the default: the encoder's own. */
  readonly fromHeadLayer?: number;
}

/**
 * Reads the tensors of an encoder from any safetensors file that has torchvision's names, without moments of an optimiser.
 * @throws UserError no such file, damaged, of sequences, not a ResNet-18, -34 or -50, a tensor that is not as it should be, or no such layer
 */
export function readEncoderTensors(
  path: string,
  { fromHeadLayer = 0 }: Pick<GivenEncoder, 'fromHeadLayer'> = {},
  name: Naming = flagOf,
): EncoderTensors {
  const { tensors: all, metadata } = readSafetensors(path);
  checkTakesImages(path, kindInFile(metadata));
  const stored = networksOf(all, metadata);
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
 * Reads an encoder and how images are prepared for it. What is `given` overrides what the file says about preparation.
 *
 * @param name how the error calls the settings that are missing: by their flags, or as the library does
 * @throws UserError no such file, damaged, not a ResNet-18, -34 or -50, or neither the file nor the caller says how images are prepared
 */
export function readEncoderFile(path: string, given: GivenEncoder = {}, name: Naming = flagOf): EncoderFile {
  const { tensors: floats, metadata, head, ...found } = readEncoderTensors(path, given, name);
  const file = storedPreparation(metadata, path, name);
  const { grid, patch } = found;
  const imageSize = given.imageSize ?? file.imageSize ?? (grid && patch ? grid * patch : undefined);
  const colours = given.normalize ? normalization({ normalize: given.normalize }) : file.colours;
  if (imageSize === undefined || colours === undefined) {
    throw missingPreparation(path, metadata, { imageSize, colours }, name);
  }
  const shape = shapeOf({ ...found, colours });
  const names = entriesOf(encoderOf({ ...shape, head, seed: 0 })).map(({ tensor }) => tensor.name);
  const hash = createHash('sha256').update(
    `${shape.architecture} ${shape.stem}${shape.norm ? ` ${shape.norm}` : ''}${shape.input ? ` ${shape.input}` : ''}`,
  );
  const tensors = new Map(names.map((tensor) => [tensor, floats.get(tensor)!]));
  for (const [tensor, { data }] of tensors) hash.update(tensor).update(data);
  const digest = hash.digest('hex');
  const { mean, std } = colours;
  const { settings } = metadata;
  const method = settings === undefined ? undefined : methodIn(settings, path);
  const prepared = { imageSize, mean, std, normalize: normalizeNamed(colours) };
  return { path, ...shape, head, ...prepared, method, given, tensors, digest };
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

/** The network that a file's metadata name; where they name none, the one that its tensors are of. */
function shapeIn(
  tensors: ReadonlyMap<string, TorchTensor>,
  metadata: EncoderTensors['metadata'],
  path: string,
): EncoderShape {
  const told = toldShape(metadata);
  const patches = tensors.get('patch_embed.proj.weight') ?? tensors.get(`${labHalves[0]}/patch_embed.proj.weight`);
  if (patches) return vitShapeIn(tensors, patches.shape, told, path);
  const half = tensors.get(`${labHalves[0]}/conv1.weight`);
  const first = half ?? tensors.get('conv1.weight');
  const architecture = told.architecture ?? architectureIn(tensors);
  if (!first || !architecture) {
    throw new UserError(
      `${path}: not an encoder that this program knows; give a checkpoint of a run, an exported encoder, torchvision's resnet18, resnet34 or resnet50 (tensors conv1.weight, layer1.0.conv1.weight, …) or timm's vit_tiny, vit_small or vit_base (patch_embed.proj.weight, …) as safetensors`,
    );
  }
  const [count, , kernel] = first.shape;
  const channels = half ? 2 * count : count;
  return shapeOf({
    architecture,
    stem: told.stem ?? (kernel === 3 ? 'cifar' : 'imagenet'),
    width: told.width ?? (channels % (baseChannels / 4) === 0 ? channels / baseChannels : 1),
    norm: told.norm,
    input: told.input ?? (half ? 'lab-halves' : 'rgb'),
  });
}

/** A vision transformer: its tensors say how large its tokens, its patches and its grid of them are. */
function vitShapeIn(
  tensors: ReadonlyMap<string, TorchTensor>,
  [count, , patch]: TorchTensor['shape'],
  told: z.infer<typeof shapeSchema>,
  path: string,
): EncoderShape {
  const halves = !tensors.has('pos_embed');
  const places = tensors.get(halves ? `${labHalves[0]}/pos_embed` : 'pos_embed')?.shape[1] ?? 0;
  const grid = Math.sqrt(places - 1);
  const dimensions = halves ? 2 * count : count;
  const architecture = told.architecture ?? vitOf(dimensions);
  if (!architecture || !isVit(architecture) || !(grid >= 1 && Number.isInteger(grid)))
    throw new UserError(
      `${path}: a vision transformer that this program does not know: ${dimensions} numbers a token, ${places} places; give one of ${vitNames.join(', ')} with one class token and a square grid of patches`,
    );
  return shapeOf({
    ...{ architecture, stem: 'imagenet', patch, grid },
    width: told.width ?? dimensions / vits[architecture].dimensions,
    positions: told.positions ?? 'learned',
    input: told.input ?? (halves ? 'lab-halves' : 'rgb'),
  });
}

/** The vision transformer of so many numbers a token: at its own width, or at one that there is. */
const vitOf = (dimensions: number) =>
  vitNames.find((name) => vits[name].dimensions === dimensions) ??
  vitNames.find((name) => shapeSchema.safeParse({ width: dimensions / vits[name].dimensions }).success);

/** The architecture that has blocks of the kind and number that there are tensors of. */
function architectureIn(tensors: ReadonlyMap<string, TorchTensor>): Architecture | undefined {
  const names = new Set([...tensors.keys()].map(withoutNetwork));
  const blocks = new Set([...names].flatMap((name) => name.match(/^layer\d+\.\d+/) ?? []));
  const deep = names.has('layer1.0.conv3.weight');
  if (names.has('layer1.conv.weight')) return 'dcgan';
  return resnetNames.find((architecture) => {
    const { Block, blocks: lengths } = resnets[architecture];
    const own = lengths.flatMap((length, stage) => Array.from({ length }, (_, i) => `layer${stage + 1}.${i}`));
    return (Block === Bottleneck) === deep && own.length === blocks.size && own.every((name) => blocks.has(name));
  });
}

const shapeSchema = z.object({
  architecture: z.enum(architectures).optional(),
  stem: z.enum(stems).optional(),
  width: z.coerce.number().min(0.25).max(4).multipleOf(0.25).optional(),
  norm: z.enum(norms).optional(),
  input: z.enum(encoderInputs).optional(),
  positions: z.enum(positionKinds).optional(),
});

/** What the metadata of an exported encoder, or a checkpoint's settings in them, say of its network. */
function toldShape({
  settings,
  architecture,
  stem,
  width,
  norm,
  input,
  positions,
}: EncoderTensors['metadata']): z.infer<typeof shapeSchema> {
  const own = { architecture, stem, width, norm, input, positions };
  try {
    return shapeSchema.parse(settings === undefined ? own : JSON.parse(settings));
  } catch {
    return {}; // No words of ours: the tensors say it.
  }
}

/** The encoder with its values in `state`. UserError: a tensor is missing or has another shape. */
export function loadEncoderFile(state: State, file: EncoderFile): Encoder {
  const { tensors, path, head } = file;
  const encoder = encoderOf({ ...shapeOf(file), head, seed: 0 });
  writeEntries(state, entriesOf(encoder), tensors, path);
  return encoder;
}

/** What `readEncoder` returns. */
export interface LoadedEncoder {
  /** Its weights and statistics are in the state: embed images with `Embedder.create(state, encoder, images, preparation)`. */
  readonly encoder: Encoder;
  readonly architecture: Architecture;
  /** How images are prepared for it; load photos at `imageSize`. */
  readonly preparation: Preparation;
}

/**
 * Reads an encoder into `state`: what `saveEncoder` or `simclr export` wrote, a run's checkpoint, or torchvision's ResNet-18, -34 or
 * -50 as safetensors.
 *
 * @param given overrides what the file says, and is needed where it says nothing: `imageSize` in pixels, `normalize` 'imagenet',
 *   'half' or 'none'. `fromHeadLayer` 1 takes the first layer of the projection head too, where the file has one
 * @throws UserError no such file, damaged, not a ResNet-18, -34 or -50, nobody says how images are prepared, or there is no such layer
 */
export function readEncoder(state: State, path: string, given: GivenEncoder = {}): LoadedEncoder {
  const file = readEncoderFile(path, given, (setting) => setting);
  const { architecture, imageSize, mean, std } = file;
  return { encoder: loadEncoderFile(state, file), architecture, preparation: { imageSize, mean, std } };
}
