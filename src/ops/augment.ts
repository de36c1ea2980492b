import blur from '../../kernels/augment/blur.wgsl';
import blurF16 from '../../kernels/augment/blur_f16.wgsl';
import colour from '../../kernels/augment/colour.wgsl';
import crop from '../../kernels/augment/crop.wgsl';
import draw from '../../kernels/augment/draw.wgsl';
import greyMean from '../../kernels/augment/grey_mean.wgsl';
import { grid1d } from '../gpu/kernel.ts';
import { byteLength, check, type Launch, type Lowering, type Op, Scratch, type Tensor } from '../graph/tensor.ts';
import { apply, constant } from '../graph/trace.ts';
import { type OperationSlot, operationLaunches } from './augment_operations.ts';
import { type ImageSize, packedWords } from './gather_images.ts';
import { fuseCast } from './made_as_f16.ts';

type Colour = readonly [number, number, number];

/** What is drawn for a view: probabilities, ranges, and the strength s of the jitter; a probability of 0 switches a part off. */
export interface AugmentationConfig {
  /** Share of the area, and the range of width/height, of the crop. */
  readonly scale: readonly [number, number];
  readonly ratio: readonly [number, number];
  readonly flip: number;
  readonly jitter: number;
  /** Brightness, contrast and saturation by up to 0.8 s, hue by up to 0.2 s of a circle. */
  readonly strength: number;
  /** Multiplies the range of the saturation, 1 by default. */
  readonly saturation?: number;
  /** Multiplies the range of the hue, 1 by default. */
  readonly hue?: number;
  readonly grayscale: number;
  /** Greyscale comes before the jitter (MoCo v1) and not behind it. */
  readonly grayscaleFirst?: boolean;
  readonly blur: number;
  readonly sigma: readonly [number, number];
  /** Colours of 1/2 and above are inverted, after the blur (BYOL); 0 by default. */
  readonly solarize?: number;
  /** Operations between the flip and the jitter, for views of a size; none by default. Drawn by `augmentOperations`. */
  readonly operations?: (size: number) => readonly OperationSlot[];
}

export interface ResampleOptions extends ImageSize {
  /** Height and width of a view. */
  readonly size: number;
  readonly mean: Colour;
  readonly std: Colour;
}

export interface AugmentOptions extends ResampleOptions {
  /** Pixels of the blur's kernel, odd. */
  readonly blurKernel: number;
  /** Shrinks with PyTorch's antialiasing filter instead of plain bilinear interpolation. */
  readonly antialias: boolean;
}

export const jitterOperations = ['brightness', 'contrast', 'saturation', 'hue'] as const;
export type JitterOperation = (typeof jitterOperations)[number];

/** The 16 numbers that say what is done to one view; what is left out is not done. */
export interface ViewParameters extends Partial<Record<JitterOperation, number>> {
  /** Top, left, height, width. */
  readonly crop: readonly [number, number, number, number];
  readonly flip?: boolean;
  /** Default: the operations that have a factor, brightness first, hue last. */
  readonly order?: readonly JitterOperation[];
  /** `first`: before the jitter. */
  readonly grayscale?: boolean | 'first';
  readonly sigma?: number;
  readonly solarize?: boolean;
}

/** One row of the parameters of `augment`, in the layout of `kernels/augment/draw.wgsl`. */
export function packAugmentParameters({ crop, flip, order, grayscale, sigma, solarize, ...factors }: ViewParameters) {
  const operations = order ?? jitterOperations.filter((name) => factors[name] !== undefined);
  const { brightness = 1, contrast = 1, saturation = 1, hue = 0 } = factors;
  const row = new Float32Array(16);
  row.set([...crop, Number(flip ?? false), brightness, contrast, saturation, hue]);
  row.set(
    operations.map((name) => jitterOperations.indexOf(name) + 1),
    9,
  );
  row.set([grayscale === 'first' ? 2 : Number(grayscale ?? false), sigma ?? 0, Number(solarize ?? false)], 13);
  return row;
}

/** What `augmentParameters` draws, for images of a size. */
export interface DrawOptions extends Omit<AugmentationConfig, 'operations'>, ImageSize {
  /** Views of each sample, 2 by default; a view's numbers are the same however many there are. */
  readonly views?: number;
}

/** Parameters of the views of each sample, as numbers that depend on (seed, epoch, sample, view) and on nothing else. */
export const augmentParametersOp: Op<DrawOptions> = {
  name: 'augment_parameters',
  infer([indices, seeds], { views = 2 }) {
    check(
      indices.dtype === 'u32' && indices.shape.length === 1,
      'augment_parameters',
      'indices must be u32 [N]',
      indices,
    );
    check(seeds.dtype === 'u32' && seeds.size === 4, 'augment_parameters', 'seeds must be u32 [4]', seeds);
    return [{ shape: [views * indices.size, 16], dtype: 'f32' }];
  },
  launches({ inputs: [indices, seeds], outputs: [parameters], attrs }) {
    const { height, width, views = 2, scale, ratio, flip, jitter, strength, grayscale, blur, sigma } = attrs;
    const { saturation = 1, hue = 1, grayscaleFirst = false, solarize = 0 } = attrs;
    const sizes = { count: indices.size, views, height, width };
    const area = { scale_min: scale[0], scale_max: scale[1] };
    const shape = { ratio_min: ratio[0], ratio_max: ratio[1] };
    const logarithm = { log_ratio_min: Math.log(ratio[0]), log_ratio_max: Math.log(ratio[1]) };
    const chances = { flip, jitter, strength, saturation, hue, grayscale, blur, solarize };
    const others = { sigma_min: sigma[0], sigma_max: sigma[1], grayscale_first: Number(grayscaleFirst) };
    return [
      {
        kernel: draw,
        bindings: { indices, seeds, parameters },
        params: { ...sizes, ...area, ...shape, ...logarithm, ...chances, ...others },
        workgroups: grid1d(views * indices.size, 64),
      },
    ];
  },
};

/** How many workgroups, each with pixels of one view only, and the sizes that the kernels share. */
function split(views: Tensor) {
  const [count, size] = views.shape;
  const groups_per_view = Math.ceil((size * size) / 64);
  return { size, sizes: { views: count, groups_per_view }, workgroups: grid1d(count * groups_per_view, 1) };
}

const colourParams = ([mean_r, mean_g, mean_b]: Colour, [r, g, b]: Colour) => ({
  mean_r,
  mean_g,
  mean_b,
  rstd_r: 1 / r,
  rstd_g: 1 / g,
  rstd_b: 1 / b,
});
const unchanged = colourParams([0, 0, 0], [1, 1, 1]);

function cropLaunch(
  { inputs: [images, parameters], outputs: [shaped], attrs }: Lowering<ResampleOptions>,
  antialias: boolean,
  colours: typeof unchanged,
  views: Tensor | Scratch = shaped,
): Launch {
  const { size, sizes, workgroups } = split(shaped);
  const [count, words] = images.shape;
  return {
    kernel: crop,
    bindings: { images, parameters, views },
    params: { ...sizes, count, words, width: attrs.width, size, antialias: Number(antialias), ...colours },
    workgroups,
  };
}

function inferViews(op: string, [images, parameters]: readonly Tensor[], attrs: ResampleOptions) {
  const words = packedWords(attrs);
  const packed = images.dtype === 'u32' && images.shape.length === 2 && images.shape[1] === words;
  check(packed, op, `images must be u32 [N, ${words}] for ${attrs.height}×${attrs.width} pixels`, images);
  const rows = parameters.shape[0];
  const fits = parameters.shape.length === 2 && parameters.shape[1] === 16 && rows % images.shape[0] === 0;
  check(fits, op, 'parameters must be f32 [views · N, 16]', parameters, images);
  return [{ shape: [rows, attrs.size, attrs.size, 4], dtype: 'f32' } as const];
}

export interface AugmentAttrs extends AugmentOptions {
  /** f16: the last pass stores the views so. */
  readonly dtype: 'f32' | 'f16';
}

/**
 * Resized crop, flip, the operations of a third input [V, 4 · slots], if there is one, the jitter's operations in their order, greyscale (or before the jitter), Gaussian blur, solarisation, then
 * (v − mean)/std, on colours in [0, 1]; torchvision's formulas for float tensors. The views are worked on where they end up, unless that is f16; only the blur needs room
 * of its own.
 */
export const augmentOp: Op<AugmentAttrs> = {
  name: 'augment',
  infer(inputs, attrs) {
    const { blurKernel, size } = attrs;
    const rule = `blurKernel (${blurKernel}) must be odd and less than twice the size (${size})`;
    check(blurKernel % 2 === 1 && blurKernel < 2 * size, 'augment', rule, ...inputs);
    const [{ shape }] = inferViews('augment', inputs, attrs);
    const [, , operations] = inputs;
    const rows = !operations || (operations.shape[0] === shape[0] && operations.shape[1] % 4 === 0);
    check(rows, 'augment', 'operations must be f32 [V, 4 · slots]', ...inputs);
    return [{ shape, dtype: attrs.dtype }];
  },
  launches(lowering): Launch[] {
    const {
      inputs: [, parameters, operations],
      outputs: [stored],
      attrs,
    } = lowering;
    const { size, sizes, workgroups } = split(stored);
    const pixels = size * size;
    const means = new Scratch('mean grey', sizes.views * 4);
    const bytes = byteLength({ shape: stored.shape, dtype: 'f32' });
    const views = stored.dtype === 'f16' ? new Scratch('views in f32', bytes) : stored;
    const blurred = new Scratch('rows blurred', bytes);
    const pass = { ...sizes, size, radius: (attrs.blurKernel - 1) / 2 };
    const colours = colourParams(attrs.mean, attrs.std);
    const jittered = { views: sizes.views, pixels };
    const policy = operations && operationLaunches(operations, views, blurred, { count: sizes.views, size });
    return [
      cropLaunch(lowering, attrs.antialias, unchanged, policy?.first ?? views),
      ...(policy?.launches ?? []),
      {
        kernel: greyMean,
        bindings: { views, parameters, means },
        params: jittered,
        workgroups: grid1d(sizes.views, 1),
      },
      { kernel: colour, bindings: { views, parameters, means }, params: { ...sizes, pixels }, workgroups },
      {
        kernel: blur,
        bindings: { x: views, parameters, y: blurred },
        params: { ...pass, stride: 1, last: 0, ...unchanged },
        workgroups,
      },
      {
        kernel: stored.dtype === 'f16' ? blurF16 : blur,
        bindings: { x: blurred, parameters, y: stored },
        params: { ...pass, stride: size, last: 1, ...colours },
        workgroups,
      },
    ];
  },
  fuseBehind: fuseCast,
};

/** The crop of each view (whole images by default), resized with antialiasing, its flip, and (v − mean)/std. */
export const preprocessOp: Op<ResampleOptions> = {
  name: 'preprocess',
  infer: (inputs, attrs) => inferViews('preprocess', inputs, attrs),
  launches: (lowering) => [cropLaunch(lowering, true, colourParams(lowering.attrs.mean, lowering.attrs.std))],
};

/** Draws the augmentations of sample indices u32 [N]; seeds u32 [4] = [seed low, seed high, epoch, stream] → f32 [views · N, 16]. */
export const augmentParameters = (indices: Tensor, seeds: Tensor, options: DrawOptions): Tensor =>
  apply(augmentParametersOp, [indices, seeds], options)[0];

/**
 * Views f32 [V, size, size, 4] of packed images u32 [N, words]: row r of the parameters [V, 16] makes a view of image r mod N, with the
 * operations of row r of what `augmentOperations` draws, if that is given.
 */
export const augment = (images: Tensor, parameters: Tensor, options: AugmentOptions, operations?: Tensor): Tensor =>
  apply(augmentOp, [images, parameters, ...(operations ? [operations] : [])], { ...options, dtype: 'f32' })[0];

/** The crop and the flip of `parameters` [V, 16] alone, resized with antialiasing and normalised: views f32 [V, size, size, 4]. */
export const cropImages = (images: Tensor, parameters: Tensor, options: ResampleOptions): Tensor =>
  apply(preprocessOp, [images, parameters], options)[0];

/** Packed images u32 [N, words] → f32 [N, size, size, 4], as evaluation sees them. */
export function preprocess(images: Tensor, options: ResampleOptions): Tensor {
  const row = packAugmentParameters({ crop: [0, 0, options.height, options.width] });
  const rows = Float32Array.from({ length: images.shape[0] * 16 }, (_, i) => row[i % 16]);
  const parameters = constant('whole images', rows, [images.shape[0], 16]);
  return cropImages(images, parameters, options);
}
