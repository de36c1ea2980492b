/** What methods that make pictures share: the setting of their decoder, and how their pictures are judged. */
import { z } from 'zod';
import { normalization } from '../data/preparation.ts';
import type { Tensor } from '../graph/tensor.ts';
import { evenly, explained, pictureError, psnr } from '../losses/picture_error.ts';
import { Decoder, decoderKinds } from '../nn/decoder.ts';
import { baseChannels } from '../nn/resnet.ts';
import type { Metric } from './method.ts';
import type { SharedSettings } from './settings.ts';

export const decoderOptions = {
  decoder: z
    .enum(decoderKinds)
    .default('upsample')
    .describe(
      'how the decoder makes maps twice as large: upsample (nearest pixels, then a convolution) or deconv (transposed convolution)',
    ),
};

type DecoderSettings = Pick<SharedSettings, 'width' | 'normalize' | 'seed'> &
  Readonly<z.infer<z.ZodObject<typeof decoderOptions>>>;

/**
 * The decoder of a run: as wide as its encoder. Colours of [−1, 1] (--normalize half) come out of a tanh, as DCGAN's; the others out of
 * the last convolution.
 */
export const pictureDecoder = (settings: DecoderSettings, features: number, side: number): Decoder =>
  new Decoder({
    ...{ name: 'decoder', features, side, channels: baseChannels * settings.width, kind: settings.decoder },
    ...{ tanh: settings.normalize === 'half', seed: settings.seed },
  });

/** Pictures [N, H, W, 4] that were made, and what they are measured by. */
export interface MadePictures {
  readonly made: Tensor;
  readonly truth: Tensor;
  /** What needs no network to be made: a colour. */
  readonly guess: Tensor;
  /** 1 where they are measured [1 or N, H, W, 1]; everywhere by default. */
  readonly where?: Tensor;
}

/** Squared error of what was made and of the guess, how much of the latter is gone, and the ratio of signal to noise: f32 [1] each. */
export function pictureScores(
  { made, truth, guess, where }: MadePictures,
  settings: Pick<SharedSettings, 'normalize'>,
) {
  const weight = where && evenly(where);
  const [error, guessed] = [made, guess].map((pictures) => pictureError(pictures, truth, weight));
  const { std } = normalization(settings);
  return { error, guessed, explained: explained(error, guessed), psnr: psnr(made, truth, std, where) };
}

/**
 * How these scores are shown.
 *
 * @param guess what stands for a picture without a network: `each picture’s mean colour`
 * @param same what the error is called where it is logged under another name: the loss
 */
export function pictureMetrics(guess: string, same?: string): Readonly<Record<string, Metric>> {
  const error: Metric = {
    ...{ label: 'error', format: 'number', epoch: 'mean' },
    note: 'the mean squared error of normalised colours',
  };
  return {
    ...(same === undefined && { error }),
    guessed: {
      ...{ label: 'guessed', format: 'number', epoch: 'mean' },
      note: `what the ${same ?? 'error'} is of guessing ${guess}`,
    },
    explained: {
      ...{ label: 'explained', format: 'percent', epoch: 'mean', guess: 0 },
      note: 'how much of the error of that guess is gone; 100 % is the picture itself',
    },
    psnr: { label: 'PSNR', format: 'number', epoch: 'mean', note: 'in dB; 6 more is half the difference of colours' },
  };
}
