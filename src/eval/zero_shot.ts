/** Classes told by their names alone: which of some sentences is most similar to a photo. */
import { evaluate, predictionsOf } from '../analysis/classifier.ts';
import { isBalanced } from '../analysis/recognition.ts';
import { UserError } from '../errors.ts';
import { counted } from '../io/counted.ts';
import { percent } from '../report/numbers.ts';
import { matrices } from '../report/plot_matrix.ts';
import { type Evaluation, type Outcome, outcome } from './evaluation.ts';
import { products, SharedSpace } from './shared_space.ts';
import { textNotes } from './text_notes.ts';

export interface ZeroShotSettings {
  /** Sentences with `{}` where the class is named; several are averaged. */
  readonly prompts: readonly string[];
  /** What the classes are called in sentences, in their order; by default what their folders are called. */
  readonly classes?: readonly string[] | undefined;
}

export const defaultPrompts = ['a photo of a {}', 'a {}'];

/** `golden_retriever` → `golden retriever` */
const readable = (name: string): string => name.replaceAll(/[_-]+/g, ' ').trim();

/** Labelled images to tell the classes of: those that are held out, or all where none are. UserError: no labels, or one class. */
async function labelledImages(evaluation: Evaluation, path: string) {
  const { probe, train } = await evaluation.images(path);
  const set = probe?.test ?? train;
  const { labels } = set;
  if (!labels) {
    throw new UserError(`${path}: has no usable labels to compare with; give photos in one folder per class`);
  }
  const count = set.classNames?.length ?? 1 + Math.max(...new Set(labels));
  const classNames = set.classNames ?? Array.from({ length: count }, (_, label) => `class ${label}`);
  return { set, labels, classNames, held: probe !== undefined };
}

/**
 * `simclr eval zero-shot` (Radford et al., 2021, §3.1): the embedding of a class is the mean of those of its sentences, brought to length one;
 * an image is of the class whose embedding has the greatest cosine with its own.
 */
export async function evalZeroShot(
  evaluation: Evaluation,
  path: string,
  { prompts, classes }: ZeroShotSettings,
): Promise<Outcome> {
  const space = SharedSpace.open(evaluation);
  const { set, labels, classNames, held } = await labelledImages(evaluation, path);
  const names = classes ?? classNames.map(readable);
  if (names.length !== classNames.length) {
    const there = counted(classNames.length, 'class', 'classes');
    throw new UserError(
      `--classes: ${counted(names.length, 'name')}, but ${path} has ${there} (${classNames.slice(0, 10).join(', ')}); give one for each, in this order`,
      2,
    );
  }
  const sentences = names.flatMap((name) => prompts.map((prompt) => prompt.replaceAll('{}', name)));
  const meant = meanRows(await space.texts(sentences), prompts.length, space.dimensions);
  const images = await space.images(await evaluation.features(set, held ? 'test' : 'all'));
  const found = evaluate(predictionsOf(products(images, meant, space.dimensions), names.length), labels);
  const { accuracy, balancedAccuracy, confusion } = found;
  const balanced = isBalanced(labels, names.length);
  const table = {
    title: `zero-shot: ${percent(accuracy)} % of ${set.count} ${held ? 'test images' : 'images'} in ${counted(names.length, 'class', 'classes')}, by chance ${percent(1 / names.length)} %`,
    header: ['class', 'images', 'right / %', 'most often taken for'],
    rows: confusion.map((row, c) => classRow(row, c, names)),
    notes: [
      `prompts: ${prompts.map((prompt) => `'${prompt}'`).join(', ')}`,
      ...(balanced ? [] : [`balanced: ${percent(balancedAccuracy)} %, the mean of the classes' own accuracies`]),
      ...textNotes(space.tower, sentences),
    ],
  };
  const json = {
    ...{ data: path, images: set.count, heldOut: held, prompts, classes: classNames, names },
    ...{ accuracy, balancedAccuracy, chance: 1 / names.length, confusion },
  };
  return outcome(evaluation, 'zero-shot', table, json, await confusionChart(confusion, names, accuracy));
}

/** Means of so many rows [., D] each, brought to length one. */
function meanRows(rows: Float32Array, each: number, dimensions: number): Float64Array {
  const means = new Float64Array(rows.length / each);
  for (let i = 0; i < rows.length; i++)
    means[Math.floor(i / (each * dimensions)) * dimensions + (i % dimensions)] += rows[i];
  for (let start = 0; start < means.length; start += dimensions) {
    const row = means.subarray(start, start + dimensions);
    const length = Math.hypot(...row);
    row.forEach((value, d) => {
      row[d] = value / length;
    });
  }
  return means;
}

function classRow(row: readonly number[], c: number, names: readonly string[]): string[] {
  const count = row.reduce((sum, number) => sum + number, 0);
  const wrong = row.map((number, k) => (k === c ? 0 : number));
  const most = Math.max(...wrong);
  const taken = most > 0 ? `${names[wrong.indexOf(most)]} (${most})` : '';
  return [names[c], String(count), count > 0 ? percent(row[c] / count) : '', taken];
}

/** How much of each class (row) is taken for which (column). */
function confusionChart(confusion: readonly (readonly number[])[], names: readonly string[], accuracy: number) {
  const shares = confusion.flatMap((row) => {
    const count = row.reduce((sum, number) => sum + number, 0);
    return row.map((number) => (count > 0 ? number / count : Number.NaN));
  });
  return matrices({
    title: `Zero-shot classification: ${percent(accuracy)} % right`,
    matrices: [
      {
        title: 'share of a class (row) that is taken for a class (column)',
        values: shares,
        format: (share) => (share < 0.005 ? '' : (100 * share).toFixed(0)),
      },
    ],
    ...{ range: [0, 1], scale: 'share', names },
    side: Math.max(360, (names.length > 40 ? 16 : 36) * names.length),
  });
}
