import type { ImageSet } from '../data/images.ts';
import { normalization } from '../data/preparation.ts';
import { Tokenizer } from '../data/tokenizer.ts';
import type { Tensor } from '../graph/tensor.ts';
import { clipLoss } from '../losses/clip.ts';
import { makeEncoder } from '../nn/encoders.ts';
import { Linear } from '../nn/layers.ts';
import { LogitScale } from '../nn/logit_scale.ts';
import { TextTransformer } from '../nn/text_transformer.ts';
import { l2Normalize } from '../ops/l2_normalize.ts';
import { concat, slice } from '../ops/strided_copy.ts';
import { captionFigure } from '../ssl/caption_figure.ts';
import { captionTokens, expectedTwins } from '../ssl/captions.ts';
import { defineMethod, type Metric, type TextTower } from '../ssl/method.ts';
import { augmentationConfig, count, positive } from '../ssl/settings.ts';
import { splitStep } from '../ssl/split_step.ts';
import { checkTextSizes, textSizes } from '../ssl/texts.ts';

const inference = { training: false };
/** Share of a batch whose caption another image of it has, from which on that is warned of. */
const manyTwins = 0.5;

/**
 * CLIP (Radford et al., 2021). Two networks, f of images and g of texts, learn from photos with captions which caption belongs to which
 * photo of a batch of N:
 *
 *   i = W_i f(x) / ‖·‖,   t = W_t g(text) / ‖·‖,   logits = i tᵀ / τ [N, N]
 *   loss = ½ (cross-entropy of the rows + cross-entropy of the columns), the diagonal being right
 *
 * f is any encoder; g is a transformer whose tokens see those before them, and stands for a text by what its end token has become. 1/τ is
 * learnt and at most 100. An image with several captions shows one of them in an epoch. The logits of large batches are what CLIP learns from:
 * `--micro-batch` has the memory of a small one.
 *
 * What differs from the paper: the text network is small by default (6 blocks of 256 numbers; the paper: --text-width 512 --text-layers 12
 * --text-heads 8 --context-length 77, and batches of 32,768), tokens are learnt from the captions (`Tokenizer`) and not from the web, weights
 * are drawn from N(0, 0.02²), and f has no attention in place of its last pooling. Two images of a batch with the same caption count as
 * different: see docs/captions.md.
 */
export const clip = defineMethod({
  name: 'clip',
  about: 'an image encoder and a text encoder find which caption belongs to which photo of a batch; needs captions',
  paper: 'Radford et al., 2021, arXiv 2103.00020',
  needsCaptions: true,
  microBatches: true,
  options: {
    embeddingDim: count(1).max(8192).default(512).describe('size of the embeddings that images and texts share'),
    ...textSizes,
    temperature: positive().max(1).default(0.07).describe('first value of the temperature τ, which is learnt'),
  },
  recipe: {
    ...{ optimizer: 'adamw', lr: 5e-4, beta2: 0.98, weightDecay: 0.2, excludeBiasAndNorm: true, schedule: 'cosine' },
    ...{ warmupEpochs: 1, epochs: 32, batchSize: 256 },
    ...{ cropMin: 0.9, flip: 0, jitter: 0, grayscale: 0, blur: 0 },
  },
  short: { lr: 1e-3, embeddingDim: 128, textWidth: 64, textLayers: 2, textHeads: 2, contextLength: 16 },
  // Captions say where things are, and what colour they have.
  sample: { cropMin: 0.9 },

  check: (settings, name) => checkTextSizes('clip', settings, name),

  views: (settings) => [{ count: 1, size: settings.imageSize, augmentation: augmentationConfig(settings) }],

  create(settings, { training, images, batchSize }) {
    const { embeddingDim, textWidth: width, textLayers: layers, textHeads: heads, contextLength: context } = settings;
    const { seed, temperature } = settings;
    const tokenizer = new Tokenizer(images.merges);
    const f = makeEncoder(settings);
    const g = new TextTransformer('text', {
      ...{ vocabulary: tokenizer.size, width, layers, heads, context, pooling: 'eot', seed },
    });
    const projection = (name: string, inputs: number) =>
      new Linear(name, inputs, embeddingDim, seed, { bias: false, std: 1 / Math.sqrt(inputs) });
    const [ofImages, ofTexts] = [projection('image_projection', f.dimensions), projection('text_projection', width)];
    const scale = new LogitScale(temperature);
    const texts: TextTower = {
      ...{ tokenizer, context, dimensions: embeddingDim },
      text: (ids, last, mode) => l2Normalize(ofTexts.forward(g.forward(ids, mode, { last }))),
      image: (features) => l2Normalize(ofImages.forward(features)),
    };
    const found = (label: string, what: string): Metric => ({
      ...{ label, format: 'percent', epoch: 'mean', guess: 1 / batchSize },
      note: `${what}; by chance 1/${batchSize}`,
    });
    return {
      encoder: f,
      texts,
      groups: [{ name: 'main', modules: [f, g, ofImages, ofTexts, scale] }],
      ...splitStep(
        {
          embed([x], feeds, mode) {
            const { ids, last } = captionTokens(feeds, tokenizer, context);
            return concat([scale.forward(texts.image(f.forward(x, mode))), texts.text(ids, last, mode)], 0);
          },
          compare(z) {
            const { loss, ...found } = clipLoss(...halves(z));
            return { loss, log: { ...found, temperature: scale.temperature() } };
          },
        },
        training,
      ),
      figures: [
        captionFigure({
          ...{ tokenizer, context, side: settings.imageSize, colours: normalization(settings) },
          embed: (view, { ids, last }) => [texts.image(f.forward(view, inference)), texts.text(ids, last, inference)],
        }),
      ],
      unfit: (set) => sharedCaptions(set, batchSize),
      metrics: {
        imageToText: found('image→text', 'images whose own caption is the most similar of the batch'),
        textToImage: found('text→image', 'captions whose own image is'),
        temperature: { label: 'τ', format: 'number', epoch: 'last' },
      },
      chance: {
        ...{ loss: Math.log(batchSize), formula: `log(${batchSize})` },
        meaning: 'captions are not told from each other',
      },
    };
  },
});

/** Rows of images and of texts. */
const halves = (z: Tensor): [images: Tensor, texts: Tensor] => {
  const n = z.shape[0] / 2;
  return [slice(z, 0, 0, n), slice(z, 0, n)];
};

function sharedCaptions(set: ImageSet, batchSize: number) {
  const share = expectedTwins(set, batchSize);
  if (share < manyTwins) return undefined;
  return {
    message: `${Math.round(100 * share)} % of the captions of a batch are those of another image of it too, and count as wrong there`,
    remedy: 'give captions that say more of each photo, or a smaller --batch-size',
  };
}
