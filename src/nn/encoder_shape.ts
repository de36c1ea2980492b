/** Which network an encoder is: what settings, files and checkpoints say of it. */
import { type Normalize, normalization, type Preparation } from '../data/preparation.ts';
import { type ResNetName, type ResNetOptions, resnetNames } from './resnet.ts';

/** `dcgan`: the discriminator's trunk of a DCGAN, which has no stem to choose. */
export const architectures = [...resnetNames, 'dcgan'] as const;
export type Architecture = (typeof architectures)[number];
export const isResNet = (architecture: Architecture): architecture is ResNetName => architecture !== 'dcgan';

/**
 * What of an image the network sees. `rgb`: all. `standardized`: each image, or part of one, with mean 0 and deviation 1 of its own in each
 * channel, as tiles of a puzzle are. `lightness`: L of CIE Lab, as for colourisation. `lab-halves`: two networks of half the channels, one of
 * which sees L and the other a and b, their features side by side, as in a split-brain autoencoder.
 */
export const encoderInputs = ['rgb', 'standardized', 'lightness', 'lab-halves'] as const;
export type EncoderInput = (typeof encoderInputs)[number];

export type Colours = Pick<Preparation, 'mean' | 'std'>;

export interface EncoderShape extends Pick<ResNetOptions, 'stem'> {
  readonly architecture: Architecture;
  /** Multiplies the channels of every layer, a multiple of 1/4; 1 is the published network. */
  readonly width: number;
  /** None: `rgb`. */
  readonly input?: Exclude<EncoderInput, 'rgb'>;
  /** With an input in Lab: how the colours of the images are normalised, as they have to be brought back before. */
  readonly colours?: Colours;
}

/** What says which network is meant: settings, what a file says, or options. */
export interface ShapeSource extends Pick<EncoderShape, 'architecture' | 'stem'>, Partial<Colours> {
  readonly width?: number | undefined;
  readonly input?: EncoderInput | undefined;
  readonly colours?: Colours | undefined;
  readonly normalize?: Normalize | undefined;
}

export function shapeOf({ architecture, stem, width = 1, input = 'rgb', ...rest }: ShapeSource): EncoderShape {
  // Whatever stem is asked for, one network without it has one shape.
  const shape = { architecture, stem: isResNet(architecture) ? stem : 'imagenet', width };
  if (input === 'rgb') return shape;
  if (input === 'standardized') return { ...shape, input };
  const { mean, std, normalize = 'imagenet' } = rest;
  const colours = rest.colours ?? (mean && std ? { mean, std } : normalization({ normalize }));
  return { ...shape, input, colours };
}

/** Settings that mean the encoder of a shape; what its colours are is said by `normalize`. */
export function shapeSettings(source: ShapeSource): Pick<EncoderShape, 'architecture' | 'stem' | 'width' | 'input'> {
  const { colours: _, ...shape } = shapeOf(source);
  return shape;
}

/** The same in the metadata of a file, which has the colours beside it. */
export function shapeMetadata(source: ShapeSource): Readonly<Record<string, string>> {
  const { architecture, stem, width, input } = shapeOf(source);
  return { architecture, stem, width: String(width), ...(input && { input }) };
}

/** What the parts of an encoder of two networks are called: `lightness/conv1.weight`. */
export const labHalves = ['lightness', 'color'] as const;

/** Names of an encoder's tensors, under torchvision's names: all but the classifier's or the head's, and the counters of batches. */
export const isTrunk = (name: string): boolean =>
  /^((lightness|color)\/)?(conv1|bn1|layer\d+)\.(?!.*num_batches_tracked$)/.test(name);

/** Stages of a ResNet; `dcgan` has two, its layers behind the first. */
export const stageCount = 4;

/** Whether a tensor of an encoder, by its name, is of the stem or of one of the first so many stages; of none where that is 0. */
export function isInStages(name: string, stages: number): boolean {
  const [, part, stage] = name.match(/^(?:(?:lightness|color)\/)?(conv1|bn1|layer(\d+))\./) ?? [];
  return part !== undefined && stages > 0 && Number(stage ?? 0) <= stages;
}

/** `resnet18`, or `resnet18 of width 0.25 on lightness`. */
export function describeEncoder({ architecture, width = 1, input = 'rgb' }: Partial<ShapeSource>): string {
  const seen = {
    rgb: '',
    standardized: ' on standardized images',
    lightness: ' on lightness',
    'lab-halves': ' on halves of Lab',
  }[input];
  return `${architecture}${width === 1 ? '' : ` of width ${width}`}${seen}`;
}
