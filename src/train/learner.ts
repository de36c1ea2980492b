/** From settings and images to what is trained. */
import { clipsOf } from '../data/clips.ts';
import { type ImageSet, isImageSet } from '../data/images.ts';
import { epochSteps } from '../data/order.ts';
import { kindOf, nounOf, type SampleSet } from '../data/samples.ts';
import { isSequenceSet } from '../data/sequences.ts';
import { shardedImages } from '../data/sharded_images.ts';
import { fedSamples, hostImages, type ImageSource, residentImages, type SampleSource } from '../data/source.ts';
import { isTextSet, type TextSet } from '../data/texts.ts';
import { tokenCounts } from '../data/token_counts.ts';
import { tokenizerOf } from '../data/tokenizer.ts';
import { UserError } from '../errors.ts';
import type { State } from '../graph/state.ts';
import { counted } from '../io/counted.ts';
import { methodNamed } from '../methods/index.ts';
import type { Communicator } from '../mpi/communicator.ts';
import type { ImageFacts, Learner, Settings, ViewGroup } from '../ssl/method.ts';
import { totalSteps } from '../ssl/settings.ts';
import { checkShares, pieceOf } from '../ssl/shares.ts';
import { type StepParts, trainingMode } from '../ssl/step.ts';
import { type CompileOptions, TrainingStep } from '../ssl/training_step.ts';
import { flagOf, settingOf, type TrainSettings } from './settings.ts';

/** A method takes the settings that its own table has checked. */
const own = (settings: TrainSettings) => settings as unknown as Settings<Record<never, never>>;

/** The networks of a run, with their first values; `ranks`: of one of so many processes that share its batches. */
export function learnerOf(settings: TrainSettings, images: ImageFacts, ranks = 1): Learner {
  const { name, microBatches, create } = methodNamed(settings.method);
  const parts = microBatches ? 1 : ranks;
  const share = settings.syncBatchNorm ? 1 : 1 / parts;
  const training = { ...trainingMode(settings, ranks), ...(share < 1 && { batchShare: share }) };
  const batchSize = settings.batchSize / parts;
  const learner = create(own(ranks > 1 ? inPieces(settings, ranks) : settings), { training, batchSize, images });
  if (microBatches && !learner.split)
    throw new Error(`method ${name}: says that it has micro-batches, without 'split'`);
  return learner;
}

/** Settings of a run as each of several processes has them: what goes through it at once is a piece of the batch, whatever is given. */
const inPieces = (settings: TrainSettings, ranks: number): TrainSettings => ({
  ...settings,
  microBatch: pieceOf(settings, { size: ranks }),
});

export const viewsOf = (settings: TrainSettings): readonly ViewGroup[] =>
  methodNamed(settings.method).views(own(settings));

export function imageFacts(set: SampleSet): ImageFacts {
  const { count, labels, classNames } = set;
  const classes = labels ? (classNames?.length ?? 1 + Math.max(...new Set(labels))) : 0;
  const named = { classes, ...(classes > 0 && classNames && { classNames }) };
  if (isSequenceSet(set)) return { count, ...named, sequences: { channels: set.channels, sampleRate: set.sampleRate } };
  if (isTextSet(set)) return { count, ...named, ...textFacts(set) };
  const captions = captionsOf(set);
  return { count, ...named, merges: captions && tokenizerOf(captions).merges };
}

const textFacts = ({ texts, columns }: TextSet): Partial<ImageFacts> => ({
  ...{ merges: tokenizerOf(texts).merges, texts: { columns } },
  tokenCounts: () => tokenCounts(texts),
});

const captionsOf = (set: SampleSet) => (isImageSet(set) ? set.captions : undefined);

/**
 * UserError: there are fewer images than a batch takes, or they have no labels or captions or are in no clips, and the method needs some.
 * Error: they are none of what the method learns from.
 */
export function checkImages(set: SampleSet, settings: TrainSettings): void {
  const { name, count, labels, parts } = set;
  const { batchSize, split, method } = settings;
  const wanted = kindOf(methodNamed(method));
  if (wanted !== kindOf(set)) throw new Error(`method ${method} learns from ${wanted}, ${name} has ${kindOf(set)}`);
  if (count < batchSize)
    throw new UserError(
      `${name}: has ${counted(count, nounOf[wanted])}, fewer than --batch-size ${batchSize}; use a smaller batch`,
    );
  if (parts && epochSteps(set, batchSize) === 0)
    throw new UserError(
      `${name}: rank ${parts.indexOf(Math.min(...parts))} has ${counted(Math.min(...parts), 'image')}, fewer than its ${batchSize / parts.length} of each batch; use a smaller --batch-size, or divide the images evenly`,
    );
  const asks = labelsAskedBy(settings);
  if (asks && !labels) {
    const remedies = {
      ...{ images: split === 'train' ? 'give images in one folder per class' : 'use --split train' },
      ...{ sequences: 'give sequences in one folder per class', texts: 'give a table with a column label' },
    };
    const remedy = remedies[wanted];
    throw new UserError(`${name}: has no labels, which ${asks} needs; ${remedy}`);
  }
  if (wantsCaptions(settings) && !captionsOf(set)) {
    throw new UserError(`${name}: has no captions, which --method ${method} needs; open it with the option 'captions'`);
  }
  if (methodNamed(method).needsClips && isImageSet(set)) clipsOf(set);
}

/** Whether a run learns from captions. */
export const wantsCaptions = ({ method }: Pick<TrainSettings, 'method'>): boolean =>
  methodNamed(method).needsCaptions === true;

/** The flag by which a run needs labels, `--method supervised`; undefined where it needs none. */
export function labelsAskedBy(settings: TrainSettings): string | undefined {
  const { method } = settings;
  const { needsLabels, labelsFor } = methodNamed(method);
  if (needsLabels) return `--method ${method}`;
  const setting = labelsFor?.(own(settings));
  return setting && `${flagOf(setting)} ${settingOf(settings, setting)}`;
}

/** Where the settings want the images. */
export const imageSourceOf = (state: State, set: ImageSet, { images }: Pick<TrainSettings, 'images'>): ImageSource =>
  images === 'gpu' ? residentImages(state, set) : hostImages(set);

/**
 * The same of any set: what is no image is fed. Of processes that share the batches each has those images on its device that it takes of
 * an epoch; all of them where views are made of other images than the batch's.
 */
export function sourceOf(state: State, set: SampleSet, settings: TrainSettings, ranks?: Communicator): SampleSource {
  if (!isImageSet(set)) return fedSamples(set);
  const { images, batchSize } = settings;
  if (!ranks || images !== 'gpu' || seesOthers(settings)) return imageSourceOf(state, set, settings);
  const perEpoch = epochSteps(set, batchSize);
  const steps = Math.min(perEpoch, totalSteps(settings, perEpoch));
  return shardedImages(state, set, (steps * batchSize) / ranks.size);
}

/** Whether views are made of other images than those of the batch. */
export const seesOthers = (settings: TrainSettings): boolean =>
  viewsOf(settings).some(({ from }) => from !== undefined);

/** What a step of a run is traced from. */
export function stepParts(source: SampleSource, settings: TrainSettings, ranks?: Communicator): StepParts {
  const learner = learnerOf(settings, imageFacts(source.set), ranks?.size);
  return { learner, views: viewsOf(settings), source, settings, ...(ranks && { ranks }) };
}

/**
 * UserError: the method of a run does not train on several processes, its batches cannot be divided among so many, or what each has of
 * them does not suit its settings.
 */
export function checkRanks(settings: TrainSettings, size: number): void {
  const method = methodNamed(settings.method);
  const { name, microBatches, meanOverImages } = method;
  const unknown = microBatches || meanOverImages ? undefined : 'it does not say how a batch is shared';
  const why = method.onlyAlone?.(own(settings), flagOf) ?? unknown;
  if (why) throw new UserError(`method ${name} does not train on several processes: ${why}`, 2);
  checkShares(settings, size, flagOf);
  method.check?.(own(inPieces(settings, size)), flagOf, () => false);
}

/** A training step of a run, compiled. */
export interface Training extends StepParts {
  readonly step: TrainingStep;
}

/**
 * Makes the learner of a method and compiles its step.
 *
 * @param source as `sourceOf` gives it: images, as `residentImages` and `hostImages` do, or a set of something else
 * @param settings as `parseSettings` gives them
 * @param ranks the processes that share each batch with this one
 * @throws UserError fewer images than a batch takes, no labels where the method needs some, or the step does not fit on the device; the
 * method does not train on several processes
 */
export async function compileTraining(
  state: State,
  source: SampleSource,
  settings: TrainSettings,
  compile: CompileOptions = {},
  ranks?: Communicator,
): Promise<Training> {
  checkImages(source.set, settings);
  if (ranks) checkRanks(settings, ranks.size);
  const parts = stepParts(source, settings, ranks);
  return { ...parts, step: await TrainingStep.create(state, parts, compile) };
}
