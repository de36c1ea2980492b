import { createHash } from 'node:crypto';
import { type ImageSet, imageBytes } from '../data/images.ts';
import { UserError } from '../errors.ts';
import { counted } from '../io/counted.ts';

/** Labelled images to train and to test a classifier with; the same classes in both. */
export interface SupervisedData {
  readonly train: ImageSet;
  readonly test: ImageSet;
  /** Photos whose labels are not used, for `consistency`. */
  readonly unlabelled?: ImageSet | undefined;
}

/** Images whose pixels went into a set's digest in older versions. */
const sampledImages = 16;

/** The number of classes. UserError: a set without images or labels, fewer than two classes, other classes in the test set. */
export function classCount({ train, test }: SupervisedData): number {
  for (const set of [train, test]) {
    if (!set.labels) {
      throw new UserError(`${set.name}: has no labels; a classifier needs images in one folder per class`);
    }
    if (set.count === 0) throw new UserError(`${set.name}: has no images`);
  }
  const present = new Set(train.labels);
  if (present.size < 2) {
    throw new UserError(`${train.name}: has images of one class only; a classifier needs two classes or more`);
  }
  const [classes, tested] = [classesOf(train), classesOf(test)];
  const named = train.classNames && test.classNames;
  if (classes !== tested || (named && JSON.stringify(train.classNames) !== JSON.stringify(test.classNames))) {
    throw new UserError(
      `${test.name}: has ${describe(test)}, but ${train.name} has ${describe(train)}; both need the same classes`,
    );
  }
  return classes;
}

/** By their names where there are some: a small subset need not have images of each. */
const classesOf = ({ labels, classNames }: ImageSet): number => classNames?.length ?? 1 + Math.max(...new Set(labels));

const describe = (set: ImageSet): string =>
  `${counted(classesOf(set), 'class', 'classes')}${set.classNames ? ` (${set.classNames.slice(0, 10).join(', ')})` : ''}`;

/** What tells a set from another: its size, its labels and every pixel. */
export const digestOf = (set: ImageSet): string => digest(set, set.count);

/** The digest that older versions recorded: of some images only. */
export const sampledDigestOf = (set: ImageSet): string => digest(set, Math.min(sampledImages, set.count));

/** With the pixels of so many images, evenly spaced. */
function digest(set: ImageSet, images: number): string {
  const hash = createHash('sha256').update(JSON.stringify([set.count, set.height, set.width]));
  hash.update(Uint16Array.from(set.labels ?? []));
  const pixels = new Uint8Array(imageBytes(set));
  for (let i = 0; i < images; i++) {
    set.read(Math.floor((i * set.count) / images), pixels, 0);
    hash.update(pixels);
  }
  return hash.digest('hex');
}

/** The labels of these images, as a step takes them. */
export const labelsOf = ({ labels }: ImageSet, indices: Uint32Array): Uint32Array =>
  indices.map((index) => labels![index]);
