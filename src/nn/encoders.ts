/** From what settings or a file say of an encoder to the network. */
import { imagenetColours } from '../data/preparation.ts';
import { Dcgan } from './dcgan.ts';
import type { Encoder, EncoderWithMaps } from './encoder.ts';
import { type EncoderShape, type ShapeSource, shapeOf } from './encoder_shape.ts';
import { HeadedEncoder, type HeadShape } from './headed_encoder.ts';
import { LabHalvesEncoder, LightnessEncoder } from './lab_encoders.ts';
import type { Module } from './module.ts';
import { ResNet } from './resnet.ts';
import { StandardizedEncoder } from './seeing_encoder.ts';

export interface EncoderOptions extends ShapeSource {
  readonly seed: number;
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
export const makeEncoder = (options: ShapeSource & { readonly seed: number }, network = ''): ShapedEncoder =>
  withShape(shapeOf(options), options.seed, network);

function withShape(shape: EncoderShape, seed: number, network: string): ShapedEncoder {
  const { input, architecture, stem, width, colours = imagenetColours } = shape;
  if (!input) return plainEncoder({ architecture, stem, width }, seed, network);
  if (input === 'standardized')
    return new StandardizedEncoder(shape, plainEncoder({ architecture, stem, width }, seed, network));
  const Encoder = input === 'lightness' ? LightnessEncoder : LabHalvesEncoder;
  return new Encoder({ architecture, stem, width, input, colours }, seed, network, plainEncoder);
}

/** One that sees all channels that it is given. */
const plainEncoder = ({ architecture, stem, width }: EncoderShape, seed: number, network: string) =>
  architecture === 'dcgan'
    ? new Dcgan({ width, seed }, network)
    : new ResNet({ architecture, stem, width, seed }, network);

/** The network that options, a file or a classifier mean: an encoder, or one with the first layers of its head. */
export function encoderOf({ head, ...options }: EncoderOptions): Module & Encoder {
  const trunk = makeEncoder(options);
  return head ? new HeadedEncoder(trunk, head, options.seed) : trunk;
}
