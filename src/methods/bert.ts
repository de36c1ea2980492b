import { z } from 'zod';
import { distribution } from '../data/token_counts.ts';
import { maskedTokenLoss } from '../losses/masked_tokens.ts';
import { TokenHead } from '../nn/token_head.ts';
import { reshape } from '../ops/reshape.ts';
import { exp } from '../ops/unary.ts';
import { checkMaskedTokens, maskedTokenOptions, maskedTokens } from '../ssl/masked_tokens.ts';
import { type Chance, defineMethod, type ImageFacts } from '../ssl/method.ts';
import { checkTextSizes, textDropout, textNetwork, textSizes, textsOf } from '../ssl/texts.ts';

/**
 * BERT's masked tokens (Devlin et al., 2019, §3.1). Of the tokens x of a text 15 % are chosen. In the place of 8 of 10 of these stands the mask
 * token, in that of one any other, and one stays as it is; a transformer f whose tokens see each other on both sides tells which they were:
 *
 *   h = norm(gelu(W f(x̃)_t)),   loss = mean over chosen t of −log softmax over tokens of (E h + b) at x_t
 *
 * E being the embedding that f begins with. What stays and what is another token keep f from making something of masks alone. Features of a
 * text are the mean of what its tokens have become.
 *
 * What differs from the paper: there is no prediction of the next sentence, which RoBERTa (Liu et al., 2019) has shown to be needless, nor are there
 * segments; other tokens are chosen in each epoch, as in RoBERTa (the paper: ten times at the start); blocks are pre-norm (`Block`); the network is
 * small by default (6 blocks of 256 numbers; the paper: --text-width 768 --text-layers 12 --text-heads 12 --context-length 512); other tokens are
 * drawn evenly from those that the texts have; tokens are learnt from the texts. Of a row with several texts one is shown in an epoch, in their turn.
 */
export const bert = defineMethod({
  name: 'bert',
  about: 'a transformer of texts fills in tokens that are masked; learns from plain text or tables',
  paper: 'Devlin et al., 2019, arXiv 1810.04805',
  data: 'texts',
  options: {
    ...textSizes,
    ...maskedTokenOptions,
    pooling: z
      .enum(['mean', 'cls'])
      .default('mean')
      .describe(
        'what stands for a text: the mean of its tokens, or its start token (cls), which nothing trains directly',
      ),
    dropout: textDropout(0.1),
  },
  recipe: {
    ...{ optimizer: 'adamw', lr: 1e-4, weightDecay: 0.01, excludeBiasAndNorm: true, clipNorm: 1 },
    ...{ schedule: 'linear', warmupEpochs: 0.4, epochs: 40, batchSize: 256 },
  },
  short: {
    lr: 2e-3,
    batchSize: 64,
    warmupEpochs: 1,
    textWidth: 64,
    textLayers: 2,
    textHeads: 2,
    contextLength: 16,
    dropout: 0,
  },

  check(settings, name) {
    checkTextSizes('bert', settings, name);
    checkMaskedTokens('bert', settings, name);
  },

  onlyAlone: () => 'its loss is a mean over the tokens that were chosen, of which parts of a batch have not as many',

  views: () => [],

  create(settings, { training, images }) {
    const { contextLength: length, seed } = settings;
    const { columns } = textsOf(images);
    const { encoder, network } = textNetwork(settings, images.merges);
    const { tokenizer } = encoder;
    const head = new TokenHead('token_head', network.embedding, seed);
    const counts = countsOf(images, tokenizer.size);
    const others = [...counts.keys()].filter((token) => counts[token] > 0);
    return {
      encoder,
      groups: [{ name: 'main', modules: [network, head] }],
      step(_, feeds) {
        const { ids, seen, rows, tokens, weights } = maskedTokens(
          feeds,
          { ...settings, tokenizer, length, others },
          (row, { epoch }) => feeds.textOf(row, (row + epoch) % columns),
        );
        const logits = head.forward(network.tokens(ids, rows, training, { seen }), training);
        const { loss, accuracy } = maskedTokenLoss(logits, tokens, reshape(weights, [weights.size]));
        return { losses: [['main', () => loss]], log: { accuracy, perplexity: exp(loss) } };
      },
      metrics: {
        accuracy: {
          ...{ label: 'acc', format: 'percent', epoch: 'mean' },
          note: 'tokens that are told right, of those that were chosen',
        },
        perplexity: {
          ...{ label: 'perplexity', format: 'number', epoch: 'mean', guess: Math.exp(distribution(counts).entropy) },
          note: 'the exponential of the loss: among so many equally likely tokens the right one would be as hard to tell',
        },
      },
      chance: chanceOf(counts),
    };
  },
});

/** How often each token is there; where the texts are not, all as often. */
const countsOf = ({ tokenCounts }: ImageFacts, size: number): readonly number[] =>
  tokenCounts?.() ?? new Array<number>(size).fill(1);

function chanceOf(counts: readonly number[]): Chance {
  const { largest, entropy } = distribution(counts);
  return {
    ...{ loss: entropy, formula: 'the entropy of how often each token is there', accuracy: largest },
    note: 'the share of the most frequent token',
    meaning: 'the model knows how frequent tokens are, and does not see what stands beside them',
    remedy: 'train for longer, change the learning rate, or give more texts',
  };
}
