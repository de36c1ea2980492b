/** From settings and images to what is trained. */
import { tokenizerOf } from '../data/captions.ts';
import type { ImageSet } from '../data/images.ts';
import { hostImages, type ImageSource, residentImages } from '../data/source.ts';
import { UserError } from '../errors.ts';
import type { State } from '../graph/state.ts';
import { counted } from '../io/counted.ts';
import { methodNamed } from '../methods/index.ts';
import type { ImageFacts, Learner, Settings, ViewGroup } from '../ssl/method.ts';
import { type StepParts, trainingMode } from '../ssl/step.ts';
import { type CompileOptions, TrainingStep } from '../ssl/training_step.ts';
import { flagOf, settingOf, type TrainSettings } from './settings.ts';

/** A method takes the settings that its own table has checked. */
const own = (settings: TrainSettings) => settings as unknown as Settings<Record<never, never>>;

/** The networks of a run, with their first values. */
export function learnerOf(settings: TrainSettings, images: ImageFacts): Learner {
  const { batchSize } = settings;
  const { name, microBatches, create } = methodNamed(settings.method);
  const learner = create(own(settings), { training: trainingMode(settings), batchSize, images });
  if (microBatches && !learner.split)
    throw new Error(`method ${name}: says that it has micro-batches, without 'split'`);
  return learner;
}

export const viewsOf = (settings: TrainSettings): readonly ViewGroup[] =>
  methodNamed(settings.method).views(own(settings));

export function imageFacts({
  count,
  labels,
  classNames,
  captions,
}: Pick<ImageSet, 'count' | 'labels' | 'classNames' | 'captions'>): ImageFacts {
  const merges = captions && tokenizerOf(captions).merges;
  if (!labels) return { count, classes: 0, merges };
  return { count, classes: classNames?.length ?? 1 + Math.max(...new Set(labels)), merges };
}

/** UserError: there are fewer images than a batch takes, or they have no labels or captions and the method needs some. */
export function checkImages({ name, count, labels, captions }: ImageSet, settings: TrainSettings): void {
  const { batchSize, split } = settings;
  if (count < batchSize)
    throw new UserError(
      `${name}: has ${counted(count, 'image')}, fewer than --batch-size ${batchSize}; use a smaller batch`,
    );
  const asks = labelsAskedBy(settings);
  if (asks && !labels) {
    const remedy = split === 'train' ? 'give images in one folder per class' : 'use --split train';
    throw new UserError(`${name}: has no labels, which ${asks} needs; ${remedy}`);
  }
  if (wantsCaptions(settings) && !captions) {
    const { method } = settings;
    throw new UserError(`${name}: has no captions, which --method ${method} needs; open it with the option 'captions'`);
  }
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
export const sourceOf = (state: State, set: ImageSet, { images }: Pick<TrainSettings, 'images'>): ImageSource =>
  images === 'gpu' ? residentImages(state, set) : hostImages(set);

/** What a step of a run is traced from. */
export function stepParts(source: ImageSource, settings: TrainSettings): StepParts {
  return { learner: learnerOf(settings, imageFacts(source.set)), views: viewsOf(settings), source, settings };
}

/** A training step of a run, compiled. */
export interface Training extends StepParts {
  readonly step: TrainingStep;
}

/**
 * Makes the learner of a method and compiles its step.
 *
 * @param source images, as `residentImages` and `hostImages` give them
 * @param settings as `parseSettings` gives them
 * @throws UserError fewer images than a batch takes, no labels where the method needs some, or the step does not fit on the device
 */
export async function compileTraining(
  state: State,
  source: ImageSource,
  settings: TrainSettings,
  compile: CompileOptions = {},
): Promise<Training> {
  checkImages(source.set, settings);
  const parts = stepParts(source, settings);
  return { ...parts, step: await TrainingStep.create(state, parts, compile) };
}
