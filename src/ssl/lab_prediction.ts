/** A map of a and b, or of L, predicted out of an encoder's map as classes or as numbers: what both methods of colours share. */
import { z } from 'zod';
import type { Lab } from '../data/lab.ts';
import { UserError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { constant } from '../graph/trace.ts';
import type { Naming } from '../io/checked.ts';
import { annealedMean, binnedEntropy, binTargets, entropyOfGuess, rarityWeights } from '../losses/binned.ts';
import { smoothL1 } from '../losses/smooth_l1.ts';
import { type Architecture, type EncoderShape, isResNet } from '../nn/encoder_shape.ts';
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

/** UserError (usage): the encoder is none of those whose last map is decoded. */
export function checkDecodable(architecture: Architecture, method: string, name: Naming): void {
  if (isResNet(architecture)) return;
  const flag = name('architecture');
  throw new UserError(
    `${method}: the last map of a ResNet is decoded; use ${flag} resnet18 in place of ${architecture}`,
    2,
  );
}

/** Predicts one quantity. */
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
    const { rows, height, width } = this.predict(maps, mode);
    const values = reshape(this.truth(lab, height, width), [rows.shape[0], bins.dimensions]);
    const targets = binTargets(values, bins.centers, bins.sigma);
    const { loss, guess } = classes ? this.entropies(rows, targets, shares) : this.distances(rows, values, shares);
    const named = classes ? argmaxRows(rows) : binTargets(this.unscaled(rows), bins.centers, bins.sigma).nearest;
    const commonest = argmaxRows(reshape(shares, [1, bins.count]));
    const isNearest = (bin: Tensor) => mean(eq(cast(targets.nearest, 'f32'), cast(bin, 'f32')));
    const log = { accuracy: isNearest(named), commonest: isNearest(commonest), skill: sub(1, div(loss, guess)) };
    return { loss, log };
  }

  /** What is predicted, in units of Lab: [N, h, w, dimensions], f32. */
  decode(maps: readonly Tensor[], mode: Mode): Tensor {
    const { bins, classes, settings } = this;
    const { rows, height, width } = this.predict(maps, mode);
    const values = classes ? annealedMean(rows, this.centers(), settings.annealing) : this.unscaled(rows);
    return reshape(values, [maps[0].shape[0], height, width, bins.dimensions]);
  }

  private predict(maps: readonly Tensor[], mode: Mode) {
    const map = cast(this.decoder.forward(maps.at(-1)!, mode), 'f32');
    const [n, height, width, outputs] = map.shape;
    return { rows: reshape(map, [n * height * width, outputs]), height, width };
  }

  /** The loss as classes, and that of the best distribution for all pixels, which is w · p scaled. */
  private entropies(logits: Tensor, targets: ReturnType<typeof binTargets>, shares: Tensor) {
    const weights = rarityWeights(shares, this.settings.raritySmoothing);
    const weighted = mul(shares, weights);
    const guess = entropyOfGuess(targets, log(div(weighted, sum(weighted))), weights);
    return { loss: binnedEntropy(logits, targets, weights), guess };
  }

  /** The loss as numbers, and that of the mean of all pixels. */
  private distances(numbers: Tensor, values: Tensor, shares: Tensor) {
    const average = matmul(reshape(shares, [1, this.bins.count]), this.centers());
    const wanted = this.scaled(values);
    return { loss: smoothL1(numbers, wanted), guess: smoothL1(expand(this.scaled(average), wanted.shape), wanted) };
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
