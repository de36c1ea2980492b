/** Which network an encoder is: what settings, files and checkpoints say of it. */
import { type Normalize, normalization, type Preparation } from '../data/preparation.ts';
import { type ResNetName, type ResNetOptions, resnetNames } from './resnet.ts';
import type { Norm } from './resnet_blocks.ts';
import { type VitName, type VitShape, vitNames } from './vit.ts';

/** `dcgan`: the discriminator's trunk of a DCGAN. Only ResNets have a stem to choose. */
export const architectures = [...resnetNames, 'dcgan', ...vitNames] as const;
export type Architecture = (typeof architectures)[number];
export const isResNet = (architecture: Architecture): architecture is ResNetName =>
  resnetNames.some((name) => name === architecture);
export const isVit = (architecture: Architecture): architecture is VitName =>
  vitNames.some((name) => name === architecture);

/**
 * What of an image the network sees. `rgb`: all. `standardized`: each image, or part of one, with mean 0 and deviation 1 of its own in each
 * channel, as tiles of a puzzle are. `lightness`: L of CIE Lab, as for colourisation. `lab-halves`: two networks of half the channels, one of
 * which sees L and the other a and b, their features side by side, as in a split-brain autoencoder. `patches`: 7 × 7 overlapping parts
 * of a quarter of the side, each by itself, whose features are averaged.
 */
export const encoderInputs = ['rgb', 'standardized', 'lightness', 'lab-halves', 'patches'] as const;
export type EncoderInput = (typeof encoderInputs)[number];

/** What only vision transformers have. */
type VitPart = 'patch' | 'grid' | 'positions';

export type Colours = Pick<Preparation, 'mean' | 'std'>;

export interface EncoderShape extends Pick<ResNetOptions, 'stem'>, Partial<Pick<VitShape, VitPart>> {
  readonly architecture: Architecture;
  /** Multiplies the channels of every layer, a multiple of 1/4; 1 is the published network. */
  readonly width: number;
  /** Of a ResNet; none: `batch`. */
  readonly norm?: Exclude<Norm, 'batch'>;
  /** None: `rgb`. */
  readonly input?: Exclude<EncoderInput, 'rgb'>;
  /** With an input in Lab: how the colours of the images are normalised, as they have to be brought back before. */
  readonly colours?: Colours;
}

/** What says which network is meant: settings, what a file says, or options. */
export interface ShapeSource
  extends Pick<EncoderShape, 'architecture' | 'stem' | 'grid' | 'positions'>,
    Partial<Colours> {
  readonly width?: number | undefined;
  readonly norm?: Norm | undefined;
  readonly input?: EncoderInput | undefined;
  readonly colours?: Colours | undefined;
  readonly normalize?: Normalize | undefined;
  /** Of a vision transformer: a patch's side in pixels, 0: as `patchOf` says; and, unless `grid` is there, the images' side. */
  readonly patch?: number | undefined;
  readonly imageSize?: number | undefined;
}

/** Patches along a side of an image, at most, where nobody says how large they are: 14 as with 224 pixels and patches of 16. */
const mostPatches = 14;

/** The least side of a patch that divides an image's side into at most so many: 4 of 32 pixels, 8 of 96, 16 of 224. */
export function patchOf(imageSize: number): number {
  let patch = Math.ceil(imageSize / mostPatches);
  while (imageSize % patch !== 0) patch++;
  return patch;
}

/** Error: neither the images' size nor the grid of patches is there. */
function patchesOf({ patch, imageSize, grid, positions = 'learned' }: ShapeSource): Pick<VitShape, VitPart> {
  if (grid === undefined && imageSize === undefined)
    throw new Error('a vision transformer needs imageSize, as its positions are those of the patches of an image');
  const side = patch || patchOf(imageSize!);
  return { patch: side, grid: grid ?? imageSize! / side, positions };
}

export function shapeOf({ architecture, stem, width = 1, norm, input = 'rgb', ...rest }: ShapeSource): EncoderShape {
  // Whatever stem or norm is asked for, one network without it has one shape.
  const own = isResNet(architecture) ? { stem, ...(norm === 'layer' && { norm }) } : ({ stem: 'imagenet' } as const);
  const plain: EncoderShape = { architecture, width, ...own };
  const shape = isVit(architecture) ? { ...plain, ...patchesOf({ architecture, stem, ...rest }) } : plain;
  if (input === 'rgb') return shape;
  if (input === 'standardized' || input === 'patches') return { ...shape, input };
  const { mean, std, normalize = 'imagenet' } = rest;
  const colours = rest.colours ?? (mean && std ? { mean, std } : normalization({ normalize }));
  return { ...shape, input, colours };
}

/** Settings that mean the encoder of a shape; what its colours are is said by `normalize`, and its grid by `imageSize`. */
export function shapeSettings(source: ShapeSource): Omit<EncoderShape, 'colours' | 'grid'> {
  const { colours: _, grid: _grid, ...shape } = shapeOf(source);
  return shape;
}

/** The same in the metadata of a file, which has the colours beside it. */
export function shapeMetadata(source: ShapeSource): Readonly<Record<string, string>> {
  const { architecture, stem, width, norm, input, positions } = shapeOf(source);
  const parts = { ...(norm && { norm }), ...(input && { input }), ...(positions && { positions }) };
  return { architecture, stem, width: String(width), ...parts };
}

/** What the parts of an encoder of two networks are called: `lightness/conv1.weight`. */
export const labHalves = ['lightness', 'color'] as const;

/** Names of an encoder's tensors, under torchvision's and timm's names: all but the classifier's or the head's, and the counters of batches. */
export const isTrunk = (name: string): boolean =>
  /^((lightness|color)\/)?((conv1|bn1|layer\d+|patch_embed|blocks\.\d+|norm)\.(?!.*num_batches_tracked$)|(cls_token|pos_embed)$)/.test(
    name,
  );

/** Stages of a ResNet, and of a vision transformer, a quarter of its blocks each; `dcgan` has two, its layers behind the first. */
export const stageCount = 4;
/** Blocks of a vision transformer, of any size, that are a stage. */
const blocksOfStage = 3;

/**
 * How many layers of its encoder lie below a tensor, by its name: 0 of the stem, 1 … of a ResNet's stages or a vision transformer's blocks;
 * undefined of what stands behind them all.
 */
export function layerOf(name: string): number | undefined {
  const own = name.replace(/^(lightness|color)\//, '');
  const [stage] = own.match(/(?<=^layer)\d+(?=\.)/) ?? [];
  const [block] = own.match(/(?<=^blocks\.)\d+(?=\.)/) ?? [];
  if (stage !== undefined) return Number(stage);
  if (block !== undefined) return Number(block) + 1;
  return /^(conv1|bn1|patch_embed)\.|^(cls_token|pos_embed)$/.test(own) ? 0 : undefined;
}

/** Whether a tensor of an encoder, by its name, is of the stem or of one of the first so many stages; of none where that is 0. */
export function isInStages(name: string, stages: number): boolean {
  const layer = layerOf(name);
  if (layer === undefined || stages === 0) return false;
  return layer <= (/(^|\/)blocks\./.test(name) ? stages * blocksOfStage : stages);
}

/** `resnet18`, or `resnet18 of width 0.25 with layer norm on lightness`, or `vit_tiny of patches of 4 pixels`. */
export function describeEncoder({
  architecture,
  width = 1,
  norm,
  input = 'rgb',
  patch,
  imageSize,
}: Partial<ShapeSource>): string {
  const seen = {
    rgb: '',
    standardized: ' on standardized images',
    lightness: ' on lightness',
    'lab-halves': ' on halves of Lab',
    patches: ' on overlapping patches',
  }[input];
  const side = patch || (imageSize && patchOf(imageSize));
  const patches = architecture && isVit(architecture) && side ? ` of patches of ${side} pixels` : '';
  const normalized = architecture && isResNet(architecture) && norm === 'layer' ? ' with layer norm' : '';
  return `${architecture}${width === 1 ? '' : ` of width ${width}`}${normalized}${patches}${seen}`;
}
