import { normalization } from '../data/preparation.ts';
import { UserError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { cpcCandidates, cpc as cpcLoss } from '../losses/cpc.ts';
import { CpcHead } from '../nn/cpc_head.ts';
import { makeEncoder } from '../nn/encoders.ts';
import type { Mode } from '../nn/module.ts';
import { PatchesEncoder, patchesInRow } from '../nn/patches_encoder.ts';
import { matmul } from '../ops/matmul.ts';
import { reshape } from '../ops/reshape.ts';
import { permute, slice } from '../ops/strided_copy.ts';
import { type Chance, defineMethod, type Metric, type PictureFigure, type Settings } from '../ssl/method.ts';
import { accuracy } from '../ssl/metrics.ts';
import { type PatchQuestion, predictionColumns } from '../ssl/patch_predictions.ts';
import { toPixels } from '../ssl/pixels.ts';
import { asRows, type CodeSizes, fromRows, type PredictedCodes } from '../ssl/predicted_codes.ts';
import { augmentationConfig, count } from '../ssl/settings.ts';
import { splitStep } from '../ssl/split_step.ts';

const options = {
  predictionSteps: count(1)
    .max(patchesInRow - 1)
    .default(5)
    .describe('rows of patches that are predicted below a context (K)'),
  predictionSkip: count(0)
    .max(patchesInRow - 2)
    .default(1)
    .describe('rows between a context and the first that is predicted; with 0 the first shares half of its pixels'),
  contextDim: count(4).max(2048).multipleOf(4).default(256).describe('numbers of a context c'),
};
type Own = Settings<typeof options>;

/** Features of patches [N, 7, 7, D] → a sequence for each column, from top to bottom: [N · 7, 7, D]. */
function columnsOf(grid: Tensor): Tensor {
  const [n, rows, columns, d] = grid.shape;
  return reshape(permute(grid, [0, 2, 1, 3]), [n * columns, rows, d]);
}

/** For the first row that is predicted, of a context in the middle: what of the images shown scores highest. */
function predictionFigure(settings: Own, predict: (x: Tensor, mode: Mode) => PredictedCodes): PictureFigure {
  const first = settings.predictionSkip + 1;
  const column = Math.floor(patchesInRow / 2);
  const row = Math.min(2, patchesInRow - 1 - first);
  const question: PatchQuestion = { context: { row, column }, target: { row: row + first, column } };
  return {
    kind: 'pictures',
    name: 'predictions',
    record([x]) {
      const { codes: z, predictions } = predict(x, { training: false });
      const [images, d] = [x.shape[0], z.shape[2]];
      const ofPlaces = reshape(predictions[0], [images, patchesInRow, patchesInRow - first, d]);
      const own = slice(slice(ofPlaces, 1, column, column + 1), 2, row, row + 1);
      const targets = slice(z, 1, first);
      const scores = matmul(reshape(own, [images, d]), reshape(targets, [targets.size / d, d]), { transposeB: true });
      return { x, scores };
    },
    columns: ({ x, scores }) =>
      predictionColumns(toPixels(x, settings.imageSize, normalization(settings)), scores, question),
  };
}

/** What guessing gives: of each row that is predicted one of the patches of a batch that lie so deep. */
function chanceOf({ batchSize, predictionSteps, predictionSkip }: Own): Chance {
  const candidates = cpcCandidates(batchSize * patchesInRow, patchesInRow, predictionSteps, { skip: predictionSkip });
  const [most, least] = [candidates[0], candidates[candidates.length - 1]];
  const average = (of: (count: number) => number) => candidates.map(of).reduce((a, b) => a + b) / candidates.length;
  const one = most === least;
  return {
    loss: average(Math.log),
    formula: one ? `log(${most})` : `the mean of log(${most}) … log(${least})`,
    accuracy: average((count) => 1 / count),
    note: `one of ${one ? most : `${most} … ${least}`} patches`,
    meaning: 'the model does not see what follows below a patch',
    remedy: 'train for longer, or change the learning rate',
  };
}

/** Accuracies of each row that is predicted, by how many rows it lies below its context. */
const rowMetrics = ({ batchSize, predictionSteps: steps, predictionSkip: skip }: Own): Record<string, Metric> =>
  Object.fromEntries(
    cpcCandidates(batchSize * patchesInRow, patchesInRow, steps, { skip }).map((candidates, i) => [
      `accuracy${skip + i + 1}`,
      { label: `acc +${skip + i + 1}`, format: 'percent', epoch: 'mean', guess: 1 / candidates } satisfies Metric,
    ]),
  );

/**
 * Contrastive predictive coding on images (van den Oord et al., 2018, §3.2). An image is cut into 7 × 7 patches, each half over the next;
 * an encoder f sees each by itself. A GRU goes down each column of their features z, and from its state c predicts the features of rows
 * that follow, which have to be told from those of all patches of the batch in rows that deep:
 *
 *   z_yx = f(patch_yx),   c_yx = GRU(z_0x … z_yx),   loss = mean_k −log softmax over patches of (z · W_k c_yx) at z_(y + skip + k)x
 *
 * log N − loss, with N the patches that are compared, is a lower bound of what c and z have in common. Neither batch norm nor anything
 * else joins patches before they are compared, or it would tell which belong together: `--norm layer`. The next row is left out
 * (`--prediction-skip 1`), as half of its pixels are the context's own. Features of an image are the mean of its z, and whole images are
 * seen in patches too: `--input patches`.
 *
 * What differs from the paper: a ResNet-18 (the paper: ResNet-101, its third stage) with layer norm in place of no norm; contexts see
 * their own column (the paper: those beside it too, through a PixelCNN); all patches of a batch that lie as deep as the target are
 * candidates; crops and colours are drawn for the whole image, and a fifth of them are grey (the paper: all, and a crop of each patch).
 */
export const cpc = defineMethod({
  name: 'cpc',
  about: 'what is seen of an image down to a patch predicts the features of patches further down',
  paper: 'van den Oord et al., 2018, arXiv 1807.03748',
  options,
  recipe: {
    ...{ input: 'patches', norm: 'layer', imageSize: 64, optimizer: 'adam', lr: 2e-4, weightDecay: 0, epochs: 300 },
    ...{ batchSize: 32, cropMin: 0.44, jitter: 0, grayscale: 0.2, blur: 0 },
  },
  short: { lr: 1e-3 },
  microBatches: true,

  check({ input, norm, architecture, predictionSteps, predictionSkip }, name) {
    const fault = (text: string) => new UserError(`method cpc: ${text}`, 2);
    if (input !== 'patches')
      throw fault(`${name('input')} must be patches, not ${input}: patches are what is predicted`);
    if (architecture === 'dcgan' || norm === 'batch') {
      const kept = architecture === 'dcgan' ? `${name('architecture')} dcgan has batch norm` : `${name('norm')} batch`;
      throw fault(
        `${kept}: statistics of a batch tell which patches belong together; use a ResNet with ${name('norm')} layer`,
      );
    }
    if (predictionSkip + predictionSteps >= patchesInRow)
      throw fault(
        `${name('predictionSkip')} ${predictionSkip} and ${name('predictionSteps')} ${predictionSteps} reach below the last of ${patchesInRow} rows; they may add up to ${patchesInRow - 1}`,
      );
  },

  views: (settings) => [{ count: 1, size: settings.imageSize, augmentation: augmentationConfig(settings) }],

  create(settings, { training }) {
    const { predictionSteps, predictionSkip: skip, contextDim, seed } = settings;
    const f = makeEncoder(settings);
    if (!(f instanceof PatchesEncoder)) throw new Error('cpc: the encoder sees no patches');
    const g = new CpcHead('cpc', {
      ...{ inputs: f.dimensions, hidden: contextDim, predictions: predictionSteps, skip, seed },
    });
    const predict = (x: Tensor, mode: Mode): PredictedCodes => {
      const codes = columnsOf(f.grid(x, mode));
      return { codes, predictions: g.predict(codes, mode) };
    };
    const sizes: CodeSizes = {
      ...{ sequences: patchesInRow, steps: patchesInRow, dimensions: f.dimensions },
      ...{ predictions: predictionSteps, skip },
    };
    return {
      encoder: f,
      groups: [{ name: 'main', modules: [f, g] }],
      ...splitStep(
        {
          embed: ([x], _, mode) => asRows(predict(x, mode), x.shape[0]),
          compare(rows) {
            const { codes, predictions } = fromRows(rows, sizes);
            const { loss, accuracy, informationBound, accuracies } = cpcLoss(codes, predictions, { skip });
            const each = accuracies.map((value, i) => [`accuracy${skip + i + 1}`, value] as const);
            return { loss, log: { accuracy, informationBound, ...Object.fromEntries(each) } };
          },
        },
        training,
      ),
      metrics: {
        accuracy,
        informationBound: {
          ...{ label: 'MI ≥', format: 'number', epoch: 'mean' },
          note: `the mean of log N − loss over rows: a lower bound of the mutual information of a context and a patch below it, in nats; at most ${chanceOf(settings).loss.toFixed(2)}`,
        },
        ...rowMetrics(settings),
      },
      chance: chanceOf(settings),
      figures: [predictionFigure(settings, predict)],
    };
  },
});
