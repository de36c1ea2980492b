/** Sets of texts: rows of one, two or three of them. */
import { kindOf, type SampleSet } from './samples.ts';

/** Texts of a row: one; two that say the same; or three, an anchor, what says the same and what contradicts it. */
export type TextColumns = 1 | 2 | 3;

/** A set of texts, held in memory. */
export interface TextSet extends SampleSet {
  readonly data: 'texts';
  readonly columns: TextColumns;
  /** As many in each row as there are columns. */
  readonly texts: readonly (readonly string[])[];
}

export const isTextSet = (set: SampleSet): set is TextSet => kindOf(set) === 'texts';

/** The rows of a set with these numbers, in that order. */
export function pickTexts(set: TextSet, rows: readonly number[], name = set.name): TextSet {
  const { texts, labels } = set;
  return {
    ...{ ...set, name, count: rows.length, texts: rows.map((row) => texts[row]) },
    ...(labels && { labels: labelArray(rows.map((row) => labels[row])) }),
  };
}

/** The first text of each row. */
export const firstTexts = ({ texts }: Pick<TextSet, 'texts'>): string[] => texts.map(([text]) => text);

/** Rows whose first text is that of a row before them. */
export const copiesOf = (set: Pick<TextSet, 'texts'>): number => set.texts.length - new Set(firstTexts(set)).size;

/** Labels, as sets have them. */
export const labelArray = (labels: readonly number[]): Uint8Array | Uint16Array =>
  (labels.every((label) => label < 256) ? Uint8Array : Uint16Array).from(labels);

/** Rows of texts as a set. */
export const textSet = (
  texts: TextSet['texts'],
  { columns, ...facts }: Pick<TextSet, 'name' | 'columns' | 'labels' | 'classNames' | 'skipped'>,
): TextSet => ({ data: 'texts', count: texts.length, columns, texts, ...facts });
