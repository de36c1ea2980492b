/** The labelled sets of a folder: what evaluations train and test with, and what is said of them. */
import type { LabelledFeatures } from '../analysis/probe.ts';
import { isBalanced, type MajorityBaseline, majorityBaseline } from '../analysis/recognition.ts';
import type { Dataset } from '../data/dataset.ts';
import type { ImageSet } from '../data/images.ts';
import { kindOf, type SampleSet } from '../data/samples.ts';
import { readFolds } from '../data/stl10.ts';
import { UserError } from '../errors.ts';
import { percent } from '../report/numbers.ts';

/** The labelled sets of a folder. */
export interface LabelledSets<S extends SampleSet = ImageSet> {
  readonly kind: Dataset['kind'];
  readonly path: string;
  readonly train: S;
  readonly test: S;
  readonly classes: number;
  readonly classNames: readonly string[];
  /** Always answering the most frequent class of train: what accuracies are to be compared with. */
  readonly majority: MajorityBaseline;
  /** All classes have equally many test images: accuracy and balanced accuracy are one number. */
  readonly balanced: boolean;
}

/** Features of the labelled sets of a folder. */
export interface LabelledData<S extends SampleSet = ImageSet> extends LabelledSets<S> {
  readonly features: { readonly train: LabelledFeatures; readonly test: LabelledFeatures };
  /** Numbers in a row of them. */
  readonly dimensions: number;
}

/** What a folder has to train and to test with. UserError: no labels, or one class. */
export function labelledSets<S extends SampleSet>(
  { kind, probe, train: all }: Dataset<S>,
  path: string,
): LabelledSets<S> {
  if (!probe) throw withoutTest(path, all);
  const { train, test } = probe;
  const classes = train.classNames?.length ?? 1 + Math.max(...new Set([...train.labels!, ...test.labels!]));
  const classNames = train.classNames ?? Array.from({ length: classes }, (_, label) => `class ${label}`);
  if (new Set(train.labels).size < 2)
    throw new UserError(`${path}: all training ${kindOf(train)} are of one class; give two or more`);
  const majority = majorityBaseline(train.labels!, test.labels!);
  return { kind, path, train, test, classes, classNames, majority, balanced: isBalanced(test.labels!, classes) };
}

/** Why there is nothing to train and to test with. */
function withoutTest(path: string, { labels, data }: SampleSet): UserError {
  if (data === 'texts')
    return new UserError(
      `${path}: ${labels ? 'no two classes, of which one has five texts, so that one would be held out for testing; give more' : 'has no labels; give a table with columns text and label'}`,
    );
  if (data === 'sequences')
    return new UserError(
      `${path}: ${labels ? 'no class has five files, of which one would be held out for testing; give more' : 'has no labels; give files in one folder per class, with two classes or more'}`,
    );
  return new UserError(
    labels
      ? `${path}: no class has five photos, of which one would be held out for testing; give more, or separate train/ and test/ folders`
      : `${path}: has no usable labels; give STL-10's files, or photos in one folder per class, with two classes or more`,
  );
}

/** What every JSON file says of the data. */
export const dataFacts = ({ path, train, test, classNames, majority }: LabelledSets<SampleSet>) => ({
  data: path,
  train: train.count,
  test: test.count,
  classes: classNames,
  majority: { class: classNames[majority.label], accuracy: majority.accuracy },
});

/** What accuracies are to be compared with. */
export const majorityNote = ({ classNames, majority, test }: LabelledSets<SampleSet>): string =>
  `baseline: always answering '${classNames[majority.label]}' is right for ${percent(majority.accuracy)} % of the test ${kindOf(test)}`;

/** Lines under a table of accuracies: the baseline, what balanced means where it differs, and classes without images. */
export function baselineNotes(sets: LabelledSets<SampleSet>): string[] {
  const { classNames, balanced, train, test } = sets;
  const missing = (labels: ArrayLike<number>) => {
    const present = new Set(Array.from(labels));
    return classNames.filter((_, label) => !present.has(label));
  };
  const lines = [
    [missing(train.labels!), `training ${kindOf(train)}, never recognised`],
    [missing(test.labels!), `test ${kindOf(test)}, not counted`],
  ] as const;
  return [
    majorityNote(sets),
    ...(balanced
      ? []
      : [
          `balanced: the mean of the classes' own accuracies; the baseline's is ${percent(1 / new Set(test.labels).size)} %`,
        ]),
    ...lines.flatMap(([names, what]) => (names.length > 0 ? [`classes without ${what}: ${names.join(', ')}`] : [])),
  ];
}

/** STL-10's ten folds, or the whole of train as one. UserError: the folder has no folds. */
export function foldsOf({ kind, path, train }: LabelledSets<SampleSet>, wanted: boolean): Uint32Array[] {
  if (!wanted) return [Uint32Array.from({ length: train.count }, (_, i) => i)];
  if (kind !== 'stl10') throw new UserError(`${path}: --folds needs STL-10's files with fold_indices.txt; omit it`, 2);
  return readFolds(path);
}
