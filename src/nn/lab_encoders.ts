/** Encoders that see parts of CIE Lab. They take the same images as any other: normalised RGB, of which they compute what they see. */
import type { Tensor } from '../graph/tensor.ts';
import { scope } from '../graph/trace.ts';
import { type LabChannel, rgbToLab } from '../ops/rgb_to_lab.ts';
import { concat } from '../ops/strided_copy.ts';
import type { Encoder, EncoderWithMaps } from './encoder.ts';
import { type Colours, type EncoderShape, labHalves } from './encoder_shape.ts';
import { inNetwork, type Mode, Module } from './module.ts';
import { type MappedEncoder, SeeingEncoder } from './seeing_encoder.ts';

/** L in all three channels, as a grey photo has it in RGB: networks of RGB, torchvision's too, can be gone on with. */
const lightness: readonly LabChannel[] = Array(3).fill({ of: 'L', center: 50, scale: 1 / 25 });
/** The third channel is 0, and its weights say nothing. */
const color: readonly LabChannel[] = (['a', 'b'] as const).map((of) => ({ of, center: 0, scale: 1 / 25 }));

export type LabShape = EncoderShape & Required<Pick<EncoderShape, 'input' | 'colours'>>;

/** Makes a network of a shape that sees what it is given. */
type MakePlain = (shape: EncoderShape, seed: number, name: string) => MappedEncoder;

/** A network that sees some channels of Lab. */
class PartOfLab extends SeeingEncoder {
  constructor(
    network: MappedEncoder,
    private readonly colours: Colours,
    private readonly channels: readonly LabChannel[],
  ) {
    super(network);
  }

  protected seen(x: Tensor): Tensor {
    return scope('lab', () => rgbToLab(x, { ...this.colours, channels: this.channels }));
  }
}

/** A network that sees lightness, under the names of one that sees colours, torchvision's of a ResNet. */
export class LightnessEncoder extends PartOfLab {
  constructor(
    readonly shape: LabShape,
    seed: number,
    name: string,
    make: MakePlain,
  ) {
    super(make(shape, seed, name), shape.colours, lightness);
  }
}

/**
 * Two networks of half the channels (Zhang et al., 2017): `lightness/…` sees L, `color/…` a and b. Features and maps are theirs side by
 * side, those of lightness first, as many as a network of the whole width has.
 */
export class LabHalvesEncoder extends Module implements Encoder {
  readonly dimensions: number;
  readonly lightness: Encoder & EncoderWithMaps;
  readonly color: Encoder & EncoderWithMaps;

  constructor(
    readonly shape: LabShape,
    seed: number,
    name: string,
    make: MakePlain,
  ) {
    super(name);
    const half = { ...shape, width: shape.width / 2 };
    // A name has no part in first values, and the halves are to differ.
    const see = (part: 0 | 1, channels: readonly LabChannel[]) => {
      const network = make(half, seed + part, inNetwork(name, labHalves[part]));
      return this.child(new PartOfLab(network, shape.colours, channels));
    };
    const [first, second] = [see(0, lightness), see(1, color)];
    this.lightness = first;
    this.color = second;
    this.dimensions = first.dimensions + second.dimensions;
  }

  forward(x: Tensor, mode: Mode): Tensor {
    return concat([this.lightness.forward(x, mode), this.color.forward(x, mode)], 1);
  }

  maps(x: Tensor, mode: Mode): readonly Tensor[] {
    const [first, second] = [this.lightness.maps(x, mode), this.color.maps(x, mode)];
    return first.map((map, stage) => concat([map, second[stage]], 3));
  }
}
