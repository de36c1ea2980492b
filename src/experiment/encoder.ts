/** An encoder from a file: a checkpoint of ours, an exported encoder, or torchvision's ResNet-18 or -34. */
import { createHash } from 'node:crypto';
import { readSafetensors, type StoredTensor, toFloat32 } from '../data/safetensors.ts';
import { UserError } from '../errors.ts';
import type { State } from '../graph/state.ts';
import { type Architecture, ResNet, type ResNetOptions } from '../nn/resnet.ts';
import { entriesOf, type TorchTensor, writeEntries } from '../nn/state_dict.ts';
import type { ClassifierFacts } from '../train/classifier_file.ts';
import { normalization, parseSettings, type TrainSettings, trainSettings } from '../train/settings.ts';

type Normalize = TrainSettings['normalize'];

/** An encoder before it is on a device, and how images are prepared for it. */
export interface EncoderFile {
  readonly path: string;
  readonly architecture: Architecture;
  readonly stem: ResNetOptions['stem'];
  /** Height and width of the images that it is given. */
  readonly imageSize: number;
  readonly normalize: Normalize;
  readonly mean: readonly [number, number, number];
  readonly std: readonly [number, number, number];
  /** Weights and running statistics under torchvision's names. */
  readonly tensors: ReadonlyMap<string, TorchTensor>;
  /** SHA-256 of the values: what is cached under it belongs to this encoder. */
  readonly digest: string;
}

/** What a user says about preparation; the rest is taken from the file, and where it says nothing 96 pixels and ImageNet's colours. */
export interface GivenPreparation {
  readonly imageSize?: number;
  readonly normalize?: Normalize;
}

/** A tensor that only that architecture has, deepest first. */
const marks: readonly (readonly [string, Architecture])[] = [
  ['layer3.5.conv2.weight', 'resnet34'],
  ['layer4.1.conv2.weight', 'resnet18'],
];

/** Names of a ResNet's trunk. */
const trunk = /^(conv1|bn1|layer[1-4])\./;

/**
 * Reads the encoder of any safetensors file that has torchvision's names; a classifier (`fc`), a projection head and moments of an
 * optimiser are left out.
 * @throws UserError no such file, damaged, or no ResNet-18 or -34
 */
export function readEncoder(path: string, given: GivenPreparation = {}): EncoderFile {
  const { tensors: stored, metadata } = readSafetensors(path);
  const floats = new Map(
    [...stored]
      .filter(([name, { dtype }]) => trunk.test(name) && dtype !== 'I64')
      .map(([name, tensor]) => [name, toTorch(tensor)]),
  );
  const { architecture, stem } = shapeOf(floats, path);
  const said = preparationIn(metadata, path);
  const imageSize = given.imageSize ?? said.imageSize ?? trainSettings.shape.imageSize.parse(undefined);
  const normalize = given.normalize ?? said.normalize ?? 'imagenet';
  const names = entriesOf(new ResNet({ architecture, stem, seed: 0 })).map(({ tensor }) => tensor.name);
  const hash = createHash('sha256').update(`${architecture} ${stem}`);
  const tensors = new Map(names.filter((name) => floats.has(name)).map((name) => [name, floats.get(name)!]));
  for (const [name, { data }] of tensors) hash.update(name).update(data);
  const digest = hash.digest('hex');
  return { path, architecture, stem, imageSize, normalize, ...normalization({ normalize }), tensors, digest };
}

const toTorch = (tensor: StoredTensor): TorchTensor => ({ shape: tensor.shape, data: toFloat32(tensor) });

function shapeOf(tensors: ReadonlyMap<string, TorchTensor>, path: string): Pick<EncoderFile, 'architecture' | 'stem'> {
  const first = tensors.get('conv1.weight');
  const architecture = marks.find(([name]) => tensors.has(name))?.[1];
  if (first?.shape.length !== 4 || !architecture || tensors.has('layer1.0.conv3.weight')) {
    throw new UserError(
      `${path}: is no encoder that this program knows; give a checkpoint of a run, an exported encoder, or torchvision's resnet18 or resnet34 as safetensors (tensors conv1.weight, layer1.0.conv1.weight, …)`,
    );
  }
  return { architecture, stem: first.shape[2] === 7 ? 'imagenet' : 'cifar' };
}

/** What a checkpoint's settings, or the metadata of a classifier or of an exported encoder, say about preparation. */
function preparationIn(metadata: Readonly<Record<string, string>>, path: string): GivenPreparation {
  try {
    if (metadata['settings'] !== undefined) {
      const settings = JSON.parse(metadata['settings']) as Record<string, unknown>;
      const { imageSize, normalize } = parseSettings(
        { imageSize: settings['imageSize'], normalize: settings['normalize'] },
        path,
        (name) => name,
      );
      return { imageSize, normalize };
    }
    if (metadata['classifier'] !== undefined) {
      const { preparation } = JSON.parse(metadata['classifier']) as ClassifierFacts;
      const { imageSize, mean, std } = preparation;
      return {
        imageSize: trainSettings.shape.imageSize.parse(imageSize),
        normalize: colours(JSON.stringify(mean), JSON.stringify(std)),
      };
    }
    const { image_size: size, mean, std } = metadata;
    return {
      ...(size !== undefined && { imageSize: trainSettings.shape.imageSize.parse(Number(size)) }),
      ...(mean !== undefined && std !== undefined && { normalize: colours(mean, std) }),
    };
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`${path}: its metadata are damaged; give --image-size and --normalize with another copy of it`);
  }
}

/** The name of a mean and a deviation. */
function colours(mean: string, std: string): Normalize {
  const known = (['imagenet', 'half', 'none'] as const).find((normalize) => {
    const own = normalization({ normalize });
    return JSON.stringify(own.mean) === mean && JSON.stringify(own.std) === std;
  });
  if (!known) throw new Error(`unknown colours ${mean} ${std}`);
  return known;
}

/** The encoder with its values in `state`. UserError: a tensor is missing or has another shape. */
export function loadEncoderFile(state: State, file: EncoderFile): ResNet {
  const { architecture, stem, tensors, path } = file;
  const encoder = new ResNet({ architecture, stem, seed: 0 });
  writeEntries(state, entriesOf(encoder), tensors, path);
  return encoder;
}
