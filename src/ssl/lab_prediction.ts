/** A map of a and b, or of L, predicted out of an encoder's map as classes or as numbers: what both methods of colours share. */
import { z } from 'zod';
import type { Lab } from '../data/lab.ts';
import { UserError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { constant } from '../graph/trace.ts';
import type { Naming } from '../io/checked.ts';
import { annealedMean, binnedEntropy, binTargets, entropyOfGuess, rarityWeights } from '../losses/binned.ts';
import { smoothL1 } from '../losses/smooth_l1.ts';
import { type EncoderShape, isResNet } from '../nn/encoder_shape.ts';
import { doublingsToQuarter, MapDecoder } from '../nn/map_decoder.ts';
import type { Mode } from '../nn/module.ts';
import { add } from '../ops/add.ts';
import { argmaxRows } from '../ops/argmax_rows.ts';
import { div, eq, mul, sub } from '../ops/binary.ts';
import { cast } from '../ops/cast.ts';
import { interpolate } from '../ops/interpolate.ts';
import { matmul } from '../ops/matmul.ts';
import { expand, mean, sum } from '../ops/reduce.ts';
import { reshape } from '../ops/reshape.ts';
import { slice } from '../ops/strided_copy.ts';
import { log } from '../ops/unary.ts';
import { abBins, type Bins, lightnessBins } from './lab_bins.ts';
import type { Metric } from './method.ts';
import { count, positive, type SharedSettings, share } from './settings.ts';

/** Settings of a method that predicts parts of Lab. */
export const labPredictionOptions = {
  target: z
    .enum(['classes', 'regression'])
    .default('classes')
    .describe('what is predicted of a pixel: shares of bins, or numbers (smooth L1), which come out greyish'),
  raritySmoothing: share()
    .default(0.5)
    .describe(
      'of classes: rare ones weigh more, by their share mixed with so much of the uniform one (λ); 1: all alike',
    ),
  decoderWidth: count(4).max(1024).multipleOf(4).default(128).describe('channels of the decoder’s hidden layers'),
  annealing: positive()
    .max(1)
    .default(0.38)
    .describe('of classes in figures: temperature of the mean over bins (T); 1: greyish, towards 0: the likeliest bin'),
};

export type LabPredictionSettings = Pick<SharedSettings, 'imageSize' | 'seed'> & {
  readonly target: 'classes' | 'regression';
  readonly raritySmoothing: number;
  readonly decoderWidth: number;
  readonly annealing: number;
};

/** The recipe of both methods, but for what the encoder sees. */
export const labPredictionRecipe = {
  cropMin: 0.2,
  jitter: 0,
  grayscale: 0,
  blur: 0,
  optimizer: 'adam',
  lr: 1e-3,
  weightDecay: 1e-4,
  schedule: 'cosine',
  epochs: 200,
  batchSize: 128,
} as const;

/** What can be predicted: its bins, and the channels of Lab that it is. */
const quantities = {
  ab: { bins: abBins, first: 1, value: ([, a, b]: Lab) => [a, b] },
  L: { bins: lightnessBins, first: 0, value: ([L]: Lab) => [L] },
} as const;
export type LabQuantity = keyof typeof quantities;

/** A share of loss that knowing the image explains: 0 of guessing. */
export const skill: Metric = {
  label: 'skill',
  format: 'percent',
  epoch: 'mean',
  guess: 0,
  note: 'the share of the loss of the best guess without looking at the image that the prediction saves',
};

/** Pixels of a predicted map along a side: about a quarter of the view's. */
export const quarterOf = (imageSize: number): number => Math.max(1, Math.round(imageSize / 4));

/** UserError (usage): the encoder sees other parts of Lab than the method is about, or its maps are not those of a ResNet. */
export function checkLabEncoder(
  { input, architecture }: Pick<SharedSettings, 'input' | 'architecture'>,
  needed: { readonly method: string; readonly input: SharedSettings['input']; readonly why: string },
  name: Naming,
): void {
  const { method } = needed;
  if (input !== needed.input) {
    const flag = name('input');
    throw new UserError(`${method}: with ${flag} ${input} ${needed.why}; use ${flag} ${needed.input}`, 2);
  }
  if (isResNet(architecture)) return;
  const flag = name('architecture');
  throw new UserError(`${method}: needs the maps of a ResNet; use ${flag} resnet18 in place of ${architecture}`, 2);
}

/**
 * Predicts one quantity, as what it departs in from the best guess without looking at an image: of classes the logarithm of w · p scaled,
 * of numbers their mean. So training begins at that guess, and not with hundreds of steps in which it learns how often each colour occurs.
 */
export class LabPrediction {
  readonly decoder: MapDecoder;
  readonly bins: Bins;
  readonly value: (lab: Lab) => readonly number[];
  private readonly first: number;
  private readonly classes: boolean;

  /** @param encoder of whose last map, of `inputs` channels, it predicts */
  constructor(
    quantity: LabQuantity,
    encoder: { readonly shape: Pick<EncoderShape, 'stem'>; readonly inputs: number },
    private readonly settings: LabPredictionSettings,
  ) {
    const { bins, first, value } = quantities[quantity];
    this.bins = bins();
    this.first = first;
    this.value = value;
    this.classes = settings.target === 'classes';
    this.decoder = new MapDecoder(`decoder-${quantity}`, {
      inputs: encoder.inputs,
      width: settings.decoderWidth,
      outputs: this.classes ? this.bins.count : this.bins.dimensions,
      doublings: doublingsToQuarter(encoder.shape),
      seed: settings.seed,
    });
  }

  /**
   * The loss of predicting from the last of an encoder's maps what Lab [N, H, W, 4] has, and what is logged of it: `accuracy`, the share of
   * pixels whose bin is the likeliest, or that in which the number lies; `commonest`, the same of always naming the commonest bin; `skill`.
   *
   * @param shares of the bins in the run's images [Q]
   */
  loss(maps: readonly Tensor[], lab: Tensor, shares: Tensor, mode: Mode) {
    const { bins, classes } = this;
    const { rows, guess, height, width } = this.predict(maps, shares, mode);
    const values = reshape(this.truth(lab, height, width), [rows.shape[0], bins.dimensions]);
    const targets = binTargets(values, bins.centers, bins.sigma);
    const { loss, guessed } = classes
      ? this.entropies(rows, guess, targets, shares)
      : this.distances(rows, guess, values);
    const named = classes ? argmaxRows(rows) : binTargets(this.unscaled(rows), bins.centers, bins.sigma).nearest;
    const commonest = argmaxRows(reshape(shares, [1, bins.count]));
    const isNearest = (bin: Tensor) => mean(eq(cast(targets.nearest, 'f32'), cast(bin, 'f32')));
    const log = { accuracy: isNearest(named), commonest: isNearest(commonest), skill: sub(1, div(loss, guessed)) };
    return { loss, log };
  }

  /** What is predicted, in units of Lab: [N, h, w, dimensions], f32. */
  decode(maps: readonly Tensor[], shares: Tensor, mode: Mode): Tensor {
    const { bins, classes, settings } = this;
    const { rows, height, width } = this.predict(maps, shares, mode);
    const values = classes ? annealedMean(rows, this.centers(), settings.annealing) : this.unscaled(rows);
    return reshape(values, [maps[0].shape[0], height, width, bins.dimensions]);
  }

  private predict(maps: readonly Tensor[], shares: Tensor, mode: Mode) {
    const map = cast(this.decoder.forward(maps.at(-1)!, mode), 'f32');
    const [n, height, width, outputs] = map.shape;
    const guess = this.classes ? this.likeliest(shares) : this.average(shares);
    return { rows: add(reshape(map, [n * height * width, outputs]), guess), guess, height, width };
  }

  /** log of the best distribution for all pixels [Q]. */
  private likeliest(shares: Tensor): Tensor {
    const weighted = mul(shares, this.weights(shares));
    return log(div(weighted, sum(weighted)));
  }

  /** The mean of all pixels [1, dimensions], as numbers are predicted. */
  private average(shares: Tensor): Tensor {
    return this.scaled(matmul(reshape(shares, [1, this.bins.count]), this.centers()));
  }

  private weights(shares: Tensor): Tensor {
    return rarityWeights(shares, this.settings.raritySmoothing);
  }

  /** The loss as classes, and that of a guess for all pixels. */
  private entropies(logits: Tensor, guess: Tensor, targets: ReturnType<typeof binTargets>, shares: Tensor) {
    const weights = this.weights(shares);
    return { loss: binnedEntropy(logits, targets, weights), guessed: entropyOfGuess(targets, guess, weights) };
  }

  /** The loss as numbers, and that of a guess for all pixels. */
  private distances(numbers: Tensor, guess: Tensor, values: Tensor) {
    const wanted = this.scaled(values);
    return { loss: smoothL1(numbers, wanted), guessed: smoothL1(expand(guess, wanted.shape), wanted) };
  }

  private truth(lab: Tensor, height: number, width: number): Tensor {
    return shrunk(slice(lab, 3, this.first, this.first + this.bins.dimensions), height, width);
  }

  private centers(): Tensor {
    const { centers, count, dimensions, name } = this.bins;
    return constant(`centres of the bins of ${name}`, centers, [count, dimensions]);
  }

  private scaled(values: Tensor): Tensor {
    return div(sub(values, this.bins.center), this.bins.unit);
  }

  private unscaled(numbers: Tensor): Tensor {
    return add(mul(numbers, this.bins.unit), this.bins.center);
  }
}

/** A map [N, H, W, C] at another size: means of 2 × 2 pixels as often as that goes, then interpolated. */
function shrunk(map: Tensor, height: number, width: number): Tensor {
  const [, from, across] = map.shape;
  if (from === height && across === width) return map;
  const halved = [Math.floor(from / 2), Math.floor(across / 2)] as const;
  const further = halved[0] >= height && halved[1] >= width;
  return further ? shrunk(interpolate(map, halved), height, width) : interpolate(map, [height, width]);
}
