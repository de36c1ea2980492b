import { z } from 'zod';
import { UserError } from '../errors.ts';
import { cpcCandidates, cpc as cpcLoss } from '../losses/cpc.ts';
import { Conv1dEncoder, codesOf } from '../nn/conv1d_encoder.ts';
import { CpcHead } from '../nn/cpc_head.ts';
import type { Encoder } from '../nn/encoder.ts';
import { mean } from '../ops/reduce.ts';
import { type Chance, defineMethod, type Metric, type Settings } from '../ssl/method.ts';
import { accuracy } from '../ssl/metrics.ts';
import { asRows, type CodeSizes, fromRows } from '../ssl/predicted_codes.ts';
import { sequenceOptions, sequencesOf } from '../ssl/sequences.ts';
import { count } from '../ssl/settings.ts';
import { splitStep } from '../ssl/split_step.ts';

const options = {
  ...sequenceOptions,
  strides: z
    .string()
    .regex(/^([2-9]|1\d)(,([2-9]|1\d))*$/, 'whole numbers from 2 to 19 such as 5,4,2,2,2')
    .default('5,4,2,2,2')
    .describe(
      'strides of the convolutions, each twice as wide as its stride; their product is how many frames a code stands for',
    ),
  predictionSteps: count(1).max(64).default(12).describe('codes that are predicted behind a context (K)'),
  predictionSkip: count(0).max(64).default(0).describe('codes between a context and the first that is predicted'),
  contextDim: count(4).max(2048).multipleOf(4).default(256).describe('numbers of a context c'),
};
type Own = Settings<typeof options>;

const stridesOf = ({ strides }: Pick<Own, 'strides'>): number[] => strides.split(',').map(Number);

/** Numbers of a code in the paper, which --width multiplies. */
const codeNumbers = 512;

/** How many codes a prediction is chosen from, for each step that is predicted. */
const candidatesOf = ({ batchSize, window, strides, predictionSteps, predictionSkip: skip }: Own): number[] =>
  cpcCandidates(batchSize, codesOf(window, stridesOf({ strides })), predictionSteps, { skip });

function chanceOf(settings: Own): Chance {
  const candidates = candidatesOf(settings);
  const [most, least] = [candidates[0], candidates[candidates.length - 1]];
  const average = (of: (count: number) => number) => candidates.map(of).reduce((a, b) => a + b) / candidates.length;
  return {
    loss: average(Math.log),
    formula: most === least ? `log(${most})` : `the mean of log(${most}) … log(${least})`,
    accuracy: average((count) => 1 / count),
    note: `one of ${most === least ? most : `${most} … ${least}`} codes`,
    meaning: 'the model does not see what follows in a sequence',
    remedy: 'train for longer, change the learning rate, or give sequences that follow some rule',
  };
}

/** Accuracies of the first and of the last step that is predicted, where there are several. */
function stepMetrics(settings: Own): Record<string, Metric> {
  const candidates = candidatesOf(settings);
  if (candidates.length === 1) return {};
  return Object.fromEntries(
    [1, candidates.length].map((k) => {
      const ahead = settings.predictionSkip + k;
      const guess = 1 / candidates[k - 1];
      return [`accuracy${ahead}`, { label: `acc +${ahead}`, format: 'percent', epoch: 'mean', guess } satisfies Metric];
    }),
  );
}

/**
 * Contrastive predictive coding on sequences of one dimension (van den Oord et al., 2018, §3.1): sound, or any series of numbers. Strided
 * convolutions f make codes z of a window, a GRU over them a context c, and from each context the codes that follow are predicted, which
 * have to be told from all codes of the batch that lie as deep in their windows:
 *
 *   z = f(x),   c_t = GRU(z_1 … z_t),   loss = mean_k −log softmax over codes of (z · W_k c_t) at z_(t + skip + k)
 *
 * log M − loss, with M the codes that are compared, is a lower bound of what a context and what follows have in common. Features of a
 * sequence are the mean of its contexts, those of long ones over several windows. Nothing normalises over the batch, or it would tell
 * which codes belong together.
 *
 * What differs from the paper: every window is brought to mean 0 and deviation 1; all codes of a step in the batch are candidates (the
 * paper: some of them, drawn; by choice of the same speaker); weights begin with He's deviation.
 */
export const cpc1d = defineMethod({
  name: 'cpc-1d',
  about: 'what was heard of a sound, or seen of a series, predicts what follows; learns from WAV files or arrays',
  paper: 'van den Oord et al., 2018, arXiv 1807.03748',
  data: 'sequences',
  microBatches: true,
  options,
  recipe: { optimizer: 'adam', lr: 2e-4, weightDecay: 0, batchSize: 8 },
  short: {
    ...{ window: 2560, predictionSteps: 4, contextDim: 64, width: 0.25 },
    ...{ lr: 1e-3, batchSize: 16 },
  },

  check({ window, strides, predictionSteps, predictionSkip }, name) {
    const codes = codesOf(window, stridesOf({ strides }));
    const furthest = predictionSkip + predictionSteps;
    if (codes > furthest) return;
    const steps = `${name('predictionSkip')} ${predictionSkip} and ${name('predictionSteps')} ${predictionSteps}`;
    throw new UserError(
      `method cpc-1d: ${name('window')} ${window} has ${Math.max(0, codes)} codes with ${name('strides')} ${strides}, ${steps} need ${furthest + 1} or more; use a larger window`,
      2,
    );
  },

  views: () => [],

  create(settings, { training, images }) {
    const { window, width, predictionSteps, predictionSkip: skip, contextDim, seed } = settings;
    const { channels } = sequencesOf(images);
    const [strides, outputs] = [stridesOf(settings), codeNumbers * width];
    const f = new Conv1dEncoder({ channels, strides, outputs, seed });
    const g = new CpcHead('cpc', { inputs: outputs, hidden: contextDim, predictions: predictionSteps, skip, seed });
    const encoder: Encoder = {
      ...{ dimensions: contextDim, parameters: [...f.parameters, ...g.parameters], buffers: [] },
      description: `${strides.length} convolutions of ${outputs} channels and a GRU of ${contextDim}`,
      forward: (x, mode) => mean(g.forward(f.forward(x, mode), mode), 1),
    };
    const steps = stepMetrics(settings);
    const sizes: CodeSizes = {
      ...{ sequences: 1, steps: codesOf(window, strides), dimensions: outputs },
      ...{ predictions: predictionSteps, skip },
    };
    return {
      encoder,
      groups: [{ name: 'main', modules: [f, g] }],
      ...splitStep(
        {
          embed(_, feeds, mode) {
            const codes = f.forward(feeds.windows('windows', window), mode);
            return asRows({ codes, predictions: g.predict(codes, mode) }, codes.shape[0]);
          },
          compare(rows) {
            const { codes, predictions } = fromRows(rows, sizes);
            const { loss, accuracy, informationBound, accuracies } = cpcLoss(codes, predictions, { skip });
            const ends = Object.keys(steps).map(
              (key, i) => [key, i === 0 ? accuracies[0] : accuracies.at(-1)!] as const,
            );
            return { loss, log: { accuracy, informationBound, ...Object.fromEntries(ends) } };
          },
        },
        training,
      ),
      metrics: {
        accuracy,
        informationBound: {
          ...{ label: 'MI ≥', format: 'number', epoch: 'mean' },
          note: `the mean of log M − loss over steps: a lower bound of the mutual information of a context and a code behind it, in nats; at most ${chanceOf(settings).loss.toFixed(2)}`,
        },
        ...steps,
      },
      chance: chanceOf(settings),
    };
  },
});
