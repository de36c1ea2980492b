/** What the figures show of the images and of the trained network: computed on the GPU by the kernels that training uses. */

import type { Dataset } from '../data/dataset.ts';
import { type ImageSet, imageBytes } from '../data/images.ts';
import { epochOrder } from '../data/order.ts';
import { normalization } from '../data/preparation.ts';
import { hostImages, type ImageSource } from '../data/source.ts';
import type { Gpu } from '../gpu/device.ts';
import { type Inputs, Program } from '../graph/program.ts';
import { State } from '../graph/state.ts';
import type { Tensor } from '../graph/tensor.ts';
import { trace } from '../graph/trace.ts';
import { ntXent } from '../losses/nt_xent.ts';
import { simclr } from '../methods/simclr.ts';
import { StepFeeds } from '../ssl/feeds.ts';
import { ofPairs } from '../ssl/method.ts';
import { toPixels } from '../ssl/pixels.ts';
import { traceViews } from '../ssl/views.ts';
import { type Checkpoint, loadLearner } from '../train/checkpoint.ts';
import { learnerOf, viewsOf } from '../train/learner.ts';
import { settingOf, type TrainSettings } from '../train/settings.ts';
import { SimilarityFigure } from '../train/similarity_figure.ts';
import type { SimilarityStage } from './experiment_results.ts';
import { type LossExample, workOutLoss } from './figures_loss.ts';

/** Counter of an epoch that no run reaches: the figures' images and augmentations are drawn in it. */
const figureEpoch = 0xfffffffd;

/** Square RGB pictures, HWC bytes. */
export interface Named {
  readonly name: string;
  readonly images: readonly Uint8Array[];
}

const readImage = (set: ImageSet, i: number): Uint8Array => {
  const pixels = new Uint8Array(imageBytes(set));
  set.read(i, pixels, 0);
  return pixels;
};

export const className = (set: ImageSet, label: number): string => set.classNames?.[label] ?? `class ${label}`;

/** The first images of each class, in the order of the set. */
export function samplesByClass(set: ImageSet, most = 8): Named[] {
  const classes = set.classNames?.length ?? Math.max(...set.labels!) + 1;
  return Array.from({ length: classes }, (_, label) => {
    const indices = Array.from(set.labels!.keys()).filter((i) => set.labels![i] === label);
    return { name: className(set, label), images: indices.slice(0, most).map((i) => readImage(set, i)) };
  });
}

/** The first image of each of the first `most` classes; of a set without labels, its first images. */
export function distinct({ labels, count }: ImageSet, most: number): Uint32Array {
  const first = labels ? [...new Set(labels)].sort((a, b) => a - b).map((label) => labels.indexOf(label)) : [0, 1, 2];
  return Uint32Array.from(first.filter((i) => i < count).slice(0, most));
}

/** Records two views of each image as training makes them, in the first group of views that the method asks for. */
function tracePairs(source: ImageSource, settings: TrainSettings, feeds: StepFeeds): Tensor {
  const [first] = viewsOf(settings);
  return traceViews(source, [{ ...first, count: 2, from: undefined }], feeds, settings)[0];
}

/** Views as RGB bytes. */
const rgbOf = (views: ArrayLike<number>, settings: TrainSettings): Uint8Array[] =>
  toPixels(views, settings.imageSize, normalization(settings)).map(({ rgb }) => rgb);

/** What a program on such views is given. */
function pairInputs(source: ImageSource, { seed }: TrainSettings, feeds: StepFeeds, indices: Uint32Array): Inputs {
  const time = { seed, epoch: figureEpoch, step: 1, steps: 1, perEpoch: 1, indices, first: 0 };
  return { ...feeds.values(time), ...source.inputs(indices) };
}

/** Augmented pairs as training makes them: view 1 of each image, then view 2 of each. */
export async function pairViews(gpu: Gpu, set: ImageSet, settings: TrainSettings, most = 8): Promise<Uint8Array[]> {
  const indices = epochOrder(set.count, settings.seed, figureEpoch).slice(0, most);
  const state = new State(gpu);
  const source = hostImages(set);
  const feeds = new StepFeeds(indices.length);
  const { graph, result } = trace(() => ({ views: tracePairs(source, settings, feeds) }));
  const program = await Program.compile(graph, state, result);
  const { views } = await program.run(pairInputs(source, settings, feeds, indices)).read();
  program.destroy();
  state.destroy();
  return rgbOf(views, settings);
}

export interface WorkedLoss {
  readonly example: LossExample;
  readonly pictures: readonly Uint8Array[];
}

/** The temperature of SimCLR's own loss, that of its end; undefined for other losses and methods, which are not worked out. */
function temperatureOf(settings: TrainSettings): number | undefined {
  const plain = settingOf(settings, 'loss') === 'nt-xent' && settingOf(settings, 'positives') === 0;
  if (settings.method !== simclr.name || !plain) return undefined;
  return ((settingOf(settings, 'temperatureEnd') as number) || settingOf(settings, 'temperature')) as number;
}

/** SimCLR's loss of two pairs of different classes, from the embeddings of a trained network, worked out step by step. */
export async function lossExample(gpu: Gpu, set: ImageSet, checkpoint: Checkpoint): Promise<WorkedLoss | undefined> {
  const { settings } = checkpoint;
  const temperature = temperatureOf(settings);
  if (temperature === undefined) return undefined;
  const indices = distinct(set, 2);
  const state = new State(gpu);
  const figure = loadLearner(state, checkpoint).figures!.find(ofPairs)!;
  const source = hostImages(set);
  const feeds = new StepFeeds(2);
  const { graph, result } = trace(() => {
    const views = tracePairs(source, settings, feeds);
    const z = figure.embed(views);
    return { views, z, loss: ntXent(z, { temperature }).loss };
  });
  const program = await Program.compile(graph, state, result);
  const { views, z, loss } = await program.run(pairInputs(source, settings, feeds, indices)).read();
  program.destroy();
  state.destroy();
  const names = Array.from(indices, (i) => (set.labels ? className(set, set.labels[i]) : `image ${i}`));
  const rows = [1, 2].flatMap((view) => names.map((name) => `${name} ${view}`));
  const example = { ...workOutLoss(z as Float32Array, rows, temperature), kernelLoss: loss[0] };
  return { example, pictures: rgbOf(views, settings) };
}

/** Similarities of the fixed pairs before and after training, for a checkpoint whose run is not at hand. */
export async function beforeAndAfter(gpu: Gpu, { train }: Dataset, checkpoint: Checkpoint): Promise<SimilarityStage[]> {
  const { settings, progress, images } = checkpoint;
  const stages: SimilarityStage[] = [];
  for (const step of [0, progress.step]) {
    const state = new State(gpu);
    const learner = step === 0 ? learnerOf(settings, images) : loadLearner(state, checkpoint);
    for (const declared of (learner.figures ?? []).filter(ofPairs)) {
      const parts = { learner, views: viewsOf(settings), source: hostImages(train), settings };
      const figure = await SimilarityFigure.create(state, parts, declared);
      const { positives, negatives, similarity } = (await figure.draw(step)).pairs;
      stages.push({ step, positives, negatives, similarity: Array.from(similarity) });
      figure.destroy();
    }
    state.destroy();
    if (progress.step === 0) break;
  }
  return stages;
}
