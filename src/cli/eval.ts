import { Command, Option } from 'commander';
import { kMeansDefaults } from '../analysis/kmeans.ts';
import { tsneDefaults } from '../analysis/tsne.ts';
import type { TrainSplit } from '../data/dataset.ts';
import { evalAttention, fewPictures } from '../eval/attention.ts';
import { evalKMeans, evalTsne } from '../eval/clusters.ts';
import { evalFinetune } from '../eval/finetune.ts';
import { evalKnn, knnDefaults } from '../eval/knn.ts';
import { evalLinear } from '../eval/linear.ts';
import { evalLowLabel, lowLabelSteps } from '../eval/low_label.ts';
import { evalNeighbors } from '../eval/neighbors.ts';
import { fewNeighbors } from '../eval/picture_queries.ts';
import { evalPropagate, propagateDefaults } from '../eval/propagate.ts';
import { evalRobustness } from '../eval/robustness.ts';
import { evalSearch } from '../eval/search.ts';
import { evalSimilarity } from '../eval/similarity.ts';
import { evalTextSearch } from '../eval/text_search.ts';
import { evalTransfer } from '../eval/transfer.ts';
import { defaultPrompts, evalZeroShot } from '../eval/zero_shot.ts';
import { addFinetune, trainingTools } from './eval_finetune.ts';
import {
  addFolds,
  addProbe,
  countFrom,
  evalCommandNamed,
  labelledAny,
  listOf,
  numberIn,
  type ProbeFlags,
  probeOptions,
} from './eval_options.ts';
import { runs, runsOnFeatures } from './eval_run.ts';
import {
  type SearchFlags,
  searchCommand,
  similarityCommand,
  type ZeroShotFlags,
  zeroShotCommand,
} from './eval_texts.ts';

/** `simclr eval`: what an encoder's features are good for. */
export function evalCommand(): Command {
  const evaluate = new Command('eval').description('evaluate an encoder’s features');
  for (const make of [
    linear,
    knn,
    finetune,
    lowLabel,
    kmeans,
    tsne,
    robustness,
    neighbors,
    attention,
    propagate,
    transfer,
    zeroShot,
    search,
    similarity,
  ]) {
    evaluate.addCommand(make());
  }
  return evaluate;
}

const linear = () =>
  runsOnFeatures<ProbeFlags & { folds?: boolean }>(
    addFolds(addProbe(evalCommandNamed('linear', 'a linear classifier on the features', { data: labelledAny }))),
    (evaluation, flags) => evalLinear(evaluation, flags.data, { ...probeOptions(flags), folds: flags.folds }),
  );

const knn = () =>
  runsOnFeatures<{ k?: number[]; temperature: number[]; folds?: boolean }>(
    addFolds(evalCommandNamed('knn', 'nearest neighbours by cosine, weighted exp(s / τ)', { data: labelledAny }))
      .option(
        '--k <numbers>',
        `numbers of neighbours (default: of ${knnDefaults.k}, those with enough images)`,
        listOf(countFrom(1)),
      )
      .addOption(
        new Option('--temperature <numbers>', 'temperatures τ')
          .argParser(listOf(numberIn(1e-3, 1e3)))
          .default(knnDefaults.temperatures, knnDefaults.temperatures.join()),
      ),
    (evaluation, { data, k, temperature, folds }) => evalKnn(evaluation, data, { k, temperatures: temperature, folds }),
  );

const finetune = () =>
  runs<{ folds?: boolean }>(
    addFolds(addFinetune(evalCommandNamed('finetune', 'train all layers on the labels, starting from the encoder'))),
    (evaluation, flags, tools) =>
      evalFinetune(evaluation, flags.data, { ...trainingTools(evaluation, flags, tools), folds: flags.folds }),
  );

const lowLabel = () =>
  runs<ProbeFlags & { labels?: number[]; shares?: number[]; subsets: number; finetune?: boolean }>(
    addFinetune(
      addProbe(evalCommandNamed('low-label', 'probes trained on few labels'))
        .option(
          '--labels <numbers>',
          `labels per class (default: of ${lowLabelSteps.perClass}, those with enough images)`,
          listOf(countFrom(1)),
        )
        .option(
          '--shares <numbers>',
          `fractions of all labels (default: of ${lowLabelSteps.shares}, those with at least one image per class)`,
          listOf(numberIn(1e-6, 1)),
        )
        .option('--subsets <number>', 'random subsets for each', countFrom(1), 5)
        .option('--finetune', 'also fine-tune the whole encoder on each subset'),
    ),
    (evaluation, flags, tools) =>
      evalLowLabel(evaluation, flags.data, {
        ...probeOptions(flags),
        ...{ perClass: flags.labels, shares: flags.shares, subsets: flags.subsets },
        ...(flags.finetune && { finetune: trainingTools(evaluation, flags, tools) }),
      }),
  );

const kmeans = () =>
  runs<{ clusters?: number; restarts: number; iterations: number }>(
    evalCommandNamed('kmeans', 'k-means clusters compared with the classes: accuracy, NMI, ARI')
      .option('--clusters <number>', 'number of clusters (default: the number of classes)', countFrom(1))
      .option('--restarts <number>', 'random restarts; the best one counts', countFrom(1), kMeansDefaults.restarts)
      .option('--iterations <number>', 'maximum number of iterations', countFrom(1), kMeansDefaults.iterations),
    (evaluation, { data, clusters, restarts, iterations, seed }) =>
      evalKMeans(evaluation, data, { clusters, restarts, iterations, seed }),
  );

const tsne = () =>
  runs<{ perplexity?: number; iterations: number; points: number; on: 'train' | 'test' }>(
    evalCommandNamed('tsne', 'a map of the features, coloured by class; coordinates as .npy and .csv')
      .option('--perplexity <number>', `(default: ${tsneDefaults.perplexity}, less for few images)`, numberIn(1, 1e4))
      .option('--iterations <number>', 'steps of descent', countFrom(1), tsneDefaults.iterations)
      .option('--points <number>', 'maximum number of images', countFrom(4), 2000)
      .addOption(new Option('--on <set>', 'which images').choices(['train', 'test']).default('test')),
    (evaluation, { data, perplexity, iterations, points, on, seed }, { terminal }) =>
      evalTsne(evaluation, data, {
        ...{ perplexity, iterations, points, on, seed },
        // A log keeps the result only: how the divergence fell is in the JSON file.
        ...(process.stdout.isTTY && {
          onProgress: (done, kl) => terminal.progress('t-SNE', done, iterations, { notes: [`KL ${kl.toFixed(4)}`] }),
        }),
      }),
  );

const robustness = () =>
  runs<ProbeFlags & { images: number }>(
    addProbe(evalCommandNamed('robustness', 'probes on corrupted images: noise, blur, low contrast, …')).option(
      '--images <number>',
      'maximum number of test images; 0: all',
      countFrom(0),
      1000,
    ),
    (evaluation, flags, { terminal }) =>
      evalRobustness(evaluation, flags.data, {
        ...probeOptions(flags),
        images: flags.images,
        onCorruption: (done, total) => terminal.progress('damages', done, total),
      }),
  );

const neighbors = () =>
  runs<{ query?: string[]; count?: number; split: TrainSplit }>(
    evalCommandNamed('neighbors', 'the most similar images to an image, as a contact sheet')
      .option(
        '--query <file or number>',
        'an image file, or the index of a test image (from 0); repeatable (default: a few)',
        (text: string, before: string[] = []) => [...before, text],
      )
      .option('--count <number>', `neighbours per query (default: up to ${fewNeighbors})`, countFrom(1))
      .addOption(
        new Option('--split <name>', 'which images to search in a folder without labels')
          .choices(['train', 'unlabeled', 'train+unlabeled'])
          .default('train'),
      ),
    (evaluation, { data, query = [], count, split }) =>
      evalNeighbors(evaluation, data, { queries: query, count, split }),
  );

const attention = () =>
  runs<{ count: number; split: TrainSplit }>(
    evalCommandNamed(
      'attention',
      'where the stages of the encoder, or the heads of a vision transformer’s class token, look, laid over a few images',
      { features: false },
    )
      .option('--count <number>', 'number of images', numberIn(1, 256, { whole: true }), fewPictures)
      .addOption(
        new Option('--split <name>', 'which images in a folder without labels')
          .choices(['train', 'unlabeled', 'train+unlabeled'])
          .default('train'),
      ),
    (evaluation, { data, count, split }) => evalAttention(evaluation, data, { count, split }),
  );

const propagate = () =>
  runs<{ masks?: string; frames?: number; temperature?: number; stage?: number; frameStep: number }>(
    evalCommandNamed('propagate', 'masks of objects, or colours, of first frames carried through video clips', {
      data: 'a folder of frames, or of folders of frames, one for each clip',
      features: false,
    })
      .option(
        '--masks <file or folder>',
        'the mask (PNG, black and a colour for each object) of the first frame of the first clip; or a folder with masks under the frames’ names, of first frames and of others to compare with (default: colours are carried)',
      )
      .option(
        '--frames <number>',
        `frames before it that a frame copies from, beside the first (default: as many as a video-color run’s embedding was trained with, else ${propagateDefaults.frames})`,
        numberIn(1, 64, { whole: true }),
      )
      .option(
        '--temperature <number>',
        `temperature τ of the softmax over their places (default: that which a video-color run’s embedding was trained with, else ${propagateDefaults.temperature})`,
        numberIn(1e-3, 1e3),
      )
      .option(
        '--stage <number>',
        'go by the map of this stage, 1: the finest (default: by the embedding that a video-color run has trained, else by the first map of at most 28×28 places)',
        countFrom(1),
      )
      .option('--frame-step <number>', 'take one of so many frames: more for a high frame rate', countFrom(1), 1),
    (evaluation, { data, masks, frames, temperature, stage, frameStep }, { terminal }) =>
      evalPropagate(evaluation, data, {
        ...{ masks, frames, temperature, stage, frameStep },
        onFrame: (done, total) => terminal.progress('frames', done, total),
      }),
  );

const transfer = () =>
  runs<ProbeFlags & { to: string }>(
    addProbe(evalCommandNamed('transfer', 'both probes on another labelled folder', { home: false })).requiredOption(
      '--to <folder>',
      'the other folder',
    ),
    (evaluation, flags) => evalTransfer(evaluation, flags.data, flags.to, probeOptions(flags)),
  );

const zeroShot = () =>
  runs<ZeroShotFlags>(zeroShotCommand(), (evaluation, { data, prompts = defaultPrompts, classes }) =>
    evalZeroShot(evaluation, data, { prompts, classes }),
  );

const search = () =>
  runs<SearchFlags>(searchCommand(), {
    images: (evaluation, { data, text: texts, top, split }) => evalSearch(evaluation, data, { texts, top, split }),
    texts: (evaluation, { data, text: texts, top }) => evalTextSearch(evaluation, data, { texts, top }),
  });

const similarity = () =>
  runs(similarityCommand(), { texts: (evaluation, { data }) => evalSimilarity(evaluation, data) });
