import { z } from 'zod';
import { UserError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { alignment, uniformity } from '../losses/alignment.ts';
import { ntXent } from '../losses/nt_xent.ts';
import { type SimCse, supervisedSimCse } from '../losses/sim_cse.ts';
import type { EncoderOfTexts } from '../nn/encoder.ts';
import { Linear } from '../nn/layers.ts';
import { transformerStd } from '../nn/transformer.ts';
import { slice } from '../ops/strided_copy.ts';
import { tanh } from '../ops/unary.ts';
import type { Feeds, StepTime } from '../ssl/feeds.ts';
import { type Chance, defineMethod, type Metric, type Settings } from '../ssl/method.ts';
import { accuracy } from '../ssl/metrics.ts';
import { random } from '../ssl/rng.ts';
import { positive, share } from '../ssl/settings.ts';
import { splitStep } from '../ssl/split_step.ts';
import { augmentText, textAugmentations } from '../ssl/text_augmentation.ts';
import {
  checkTextSizes,
  textDropout,
  textNetwork,
  textPooling,
  textSizes,
  textsOf,
  textTokens,
  wordsOf,
} from '../ssl/texts.ts';

const options = {
  temperature: positive().max(1).default(0.05).describe('temperature τ of the softmax over texts'),
  ...textSizes,
  pooling: textPooling('cls'),
  dropout: textDropout(0.1),
  textAugmentation: z
    .enum(textAugmentations)
    .default('none')
    .describe(
      'what else is done to a text each time it is seen: nothing, words left out, or words replaced by others of the data',
    ),
  augmentationShare: share().default(0.1).describe('share of the words that --text-augmentation changes'),
};
type Own = Settings<typeof options>;

/** Apart from what is drawn of a row elsewhere. */
const augmentationDraw = 0x73636175;

/** What guessing gives of so many candidates. */
const chanceOf = (candidates: number): Chance => ({
  ...{ loss: Math.log(candidates), formula: `log(${candidates})`, accuracy: 1 / candidates },
  meaning: 'texts are not told from each other',
  remedy: 'train for longer, change the learning rate, or give more, and more varied, texts',
});

const measures: Readonly<Record<'alignment' | 'uniformity', Metric>> = {
  alignment: {
    ...{ label: 'align', format: 'number', epoch: 'last', guess: 2 },
    note: 'E ‖x − y‖² of what belongs together, at length one: lower is better, 2 where it has nothing to do with each other',
  },
  uniformity: {
    ...{ label: 'unif', format: 'number', epoch: 'last' },
    note: 'log E exp(−2 ‖x − y‖²) of different texts: 0 where all are equal, lower is better',
  },
};

/**
 * SimCSE (Gao et al., 2021). A transformer f of texts and a layer g, h = tanh(W f(x) + b), learn embeddings whose cosines say how similar
 * texts are. Of lines of text, each passes twice, and only dropout tells the passes z, z' apart (§3):
 *
 *   h = g(f(x, z)),   h⁺ = g(f(x, z')),   loss = −log exp(cos(h_i, h_i⁺)/τ) / Σ_j exp(cos(h_i, h_j)/τ)
 *
 * over the 2N − 1 other embeddings of the batch; g is left out behind the training, so that features are those of f. Of a table of pairs that
 * say the same, or of triplets with a text that contradicts, a text has to find its positive among the positives and the hard negatives of
 * all (§4, eq. 5), and features are h.
 *
 * What differs from the paper: there, N candidates are those of the other pass, and here both passes ask, with those of the same pass among
 * the candidates too, as in NT-Xent; f is not a BERT of 110 million parameters that has read Wikipedia, but as large as settings say, with weights
 * drawn from N(0, 0.02²), so that the learning rate is a larger one (the paper: 3e-5, in one epoch); its blocks normalise first; negatives
 * have the weight 1. Two rows of a batch with the same text count as different: leave copies out.
 */
export const simcse = defineMethod({
  name: 'simcse',
  about:
    'a text finds itself, seen under another dropout, among others; or what says the same in a table; learns from texts',
  paper: 'Gao et al., 2021, arXiv 2104.08821',
  data: 'texts',
  microBatches: true,
  options,
  recipe: {
    ...{ optimizer: 'adamw', lr: 5e-4, weightDecay: 0.01, excludeBiasAndNorm: true, batchSize: 64, epochs: 10 },
    ...{ schedule: 'linear', warmupEpochs: 0.5, clipNorm: 1 },
  },
  short: { lr: 1e-3, batchSize: 64, textWidth: 64, textLayers: 2, textHeads: 2, contextLength: 24, pooling: 'mean' },

  check(settings, name, given) {
    checkTextSizes('simcse', settings, name);
    if (settings.textAugmentation === 'none' && given('augmentationShare'))
      throw new UserError(`${name('augmentationShare')} is only used with ${name('textAugmentation')}; add it`, 2);
  },

  views: () => [],

  create(settings, { training, images, batchSize }) {
    const { temperature, textWidth: width, contextLength: context, seed } = settings;
    const { columns } = textsOf(images);
    if (columns === 1) checkViewsDiffer(settings);
    const { encoder: f, network } = textNetwork(settings, images.merges);
    const dense = new Linear('mlp.dense', width, width, seed, { std: transformerStd });
    const g = (features: Tensor): Tensor => tanh(dense.forward(features));
    const views = columns === 1 ? 2 : columns;
    const textOf = viewsOfTexts(settings, columns);
    return {
      encoder: columns === 1 ? f : behind(f, dense, g),
      groups: [{ name: 'main', modules: [network, dense] }],
      ...splitStep(
        {
          embed(_, feeds, mode) {
            const of = (row: number, time: StepTime, view: number) => textOf(feeds, row, time, view);
            const { ids, ...ends } = textTokens(feeds, f.tokenizer, context, of, 'tokens', views);
            return g(f.forward(ids, mode, ends));
          },
          compare(z) {
            const found = columns === 1 ? unsupervised(z, temperature) : supervisedSimCse(z, columns, { temperature });
            const { loss, accuracy, anchors, positives } = found;
            const spread = { alignment: alignment(anchors, positives), uniformity: uniformity(anchors) };
            return { loss, log: { accuracy, ...spread } };
          },
        },
        training,
      ),
      metrics: { accuracy, ...measures },
      discriminatesImages: columns === 1,
      chance: chanceOf(columns === 1 ? 2 * batchSize - 1 : (columns - 1) * batchSize),
    };
  },
});

/** UserError: two passes of a text would be the same. */
function checkViewsDiffer({ dropout, textAugmentation, augmentationShare }: Own): void {
  if (dropout > 0 || (textAugmentation !== 'none' && augmentationShare > 0)) return;
  throw new UserError(
    'method simcse: without dropout both passes of a text are the same; give --dropout above 0, --text-augmentation, or a table with a column positive',
    2,
  );
}

/** Rows i and i + N are passes of one text. */
function unsupervised(z: Tensor, temperature: number): SimCse {
  const { unit, ...found } = ntXent(z, { temperature });
  const N = z.shape[0] / 2;
  return { ...found, anchors: slice(unit, 0, 0, N), positives: slice(unit, 0, N) };
}

/** An encoder whose features are those behind a layer. */
const behind = (f: EncoderOfTexts, layer: Linear, g: (features: Tensor) => Tensor): EncoderOfTexts => ({
  ...f,
  parameters: [...f.parameters, ...layer.parameters],
  forward: (ids, mode, ends) => g(f.forward(ids, mode, ends)),
});

/** The text of a row in a pass: its only one, or that of a column; changed by draws of seed, epoch, row and pass. */
function viewsOfTexts({ textAugmentation: kind, augmentationShare, seed }: Own, columns: number) {
  return (feeds: Feeds, row: number, { epoch }: StepTime, view: number): string => {
    const text = feeds.textOf(row, columns === 1 ? 0 : view);
    if (kind === 'none') return text;
    return augmentText(
      text,
      kind,
      augmentationShare,
      random(seed, epoch, row, view, augmentationDraw),
      wordsOf(feeds.texts()),
    );
  };
}
