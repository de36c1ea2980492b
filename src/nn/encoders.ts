/** From what settings or a file say of an encoder to the network. */
import { imagenetColours } from '../data/preparation.ts';
import { Dcgan } from './dcgan.ts';
import type { Encoder, EncoderWithMaps } from './encoder.ts';
import { type EncoderShape, isVit, type ShapeSource, shapeOf } from './encoder_shape.ts';
import { HeadedEncoder, type HeadShape } from './headed_encoder.ts';
import { LabHalvesEncoder, LightnessEncoder } from './lab_encoders.ts';
import type { Module } from './module.ts';
import { PatchesEncoder } from './patches_encoder.ts';
import { ResNet, type ResNetName } from './resnet.ts';
import { StandardizedEncoder } from './seeing_encoder.ts';
import { Vit } from './vit.ts';

/** What an encoder is made of: which it is, and how its weights are drawn and trained. */
interface MakeOptions extends ShapeSource {
  readonly seed: number;
  /** Of a vision transformer: see `VitOptions`. */
  readonly dropPath?: number | undefined;
}

export interface EncoderOptions extends MakeOptions {
  /** Layers of a projection head that the encoder ends with; none by default. */
  readonly head?: HeadShape | undefined;
}

/** A network of which settings and files can say which it is. */
export type ShapedEncoder = Module & Encoder & EncoderWithMaps & { readonly shape: EncoderShape };

export const isShaped = (encoder: Encoder): encoder is ShapedEncoder => 'shape' in encoder;

/**
 * The encoder that settings mean.
 *
 * @param network its name, where a program has two of a kind: `teacher/conv1.weight`. First values are the same under any name.
 */
export function makeEncoder({ seed, dropPath, ...source }: MakeOptions, network = ''): ShapedEncoder {
  const shape = shapeOf(source);
  const { input, colours = imagenetColours } = shape;
  const plain = (shape: EncoderShape, seed: number, name: string) => plainEncoder(shape, { seed, dropPath }, name);
  if (!input) return plain(shape, seed, network);
  if (input === 'patches') return new PatchesEncoder(shape, plain(shape, seed, network));
  if (input === 'standardized') return new StandardizedEncoder(shape, plain(shape, seed, network));
  const Encoder = input === 'lightness' ? LightnessEncoder : LabHalvesEncoder;
  return new Encoder({ ...shape, input, colours }, seed, network, plain);
}

/** One that sees all channels that it is given. */
function plainEncoder(
  { architecture, stem, width, norm, patch, grid, positions }: EncoderShape,
  options: Pick<MakeOptions, 'seed' | 'dropPath'>,
  network: string,
) {
  if (isVit(architecture)) {
    if (!patch || !grid || !positions) throw new Error(`${architecture}: its patches are not said`);
    return new Vit({ architecture, width, patch, grid, positions, ...options }, network);
  }
  return architecture === 'dcgan'
    ? new Dcgan({ width, ...options }, network)
    : new ResNet({ architecture: architecture satisfies ResNetName, stem, width, norm, ...options }, network);
}

/** The network that options, a file or a classifier mean: an encoder, or one with the first layers of its head. */
export function encoderOf({ head, ...options }: EncoderOptions): Module & Encoder {
  const trunk = makeEncoder(options);
  return head ? new HeadedEncoder(trunk, head, options.seed) : trunk;
}
