/** Whether texts that people find similar have similar embeddings. */
import { correlationInterval, pearson, spearman } from '../analysis/correlation.ts';
import { tfIdfCosines } from '../analysis/tf_idf.ts';
import { readScoredPairs, type ScoredPairs } from '../data/scored_pairs.ts';
import type { EncoderOfTexts } from '../nn/encoder.ts';
import { decimal } from '../report/numbers.ts';
import { barChart } from '../report/plot.ts';
import { type Outcome, outcome } from './evaluation.ts';
import type { TextEvaluation } from './text_evaluation.ts';
import { textNotes } from './text_notes.ts';

/** How the similarities that one way of comparing gives go with the scores. */
interface Agreement {
  readonly name: string;
  /** Null where all its similarities are equal. */
  readonly spearman: number | null;
  /** 95 % of it. */
  readonly interval: readonly [low: number, high: number] | null;
  readonly pearson: number | null;
}

/**
 * `simclr eval similarity`: correlation of the cosines of embeddings with the scores of pairs (semantic textual similarity; Spearman's as in
 * Gao et al., 2021), beside that of the same network before its training and of words that texts share.
 */
export async function evalSimilarity(evaluation: TextEvaluation, path: string): Promise<Outcome> {
  const { pairs, scores } = readScoredPairs(path);
  const trained = await cosines(evaluation, pairs, 'trained');
  const ways: readonly (readonly [string, ArrayLike<number>])[] = [
    ['trained network', trained],
    ['untrained network', await cosines(evaluation, pairs, 'untrained', evaluation.untrained())],
    ['words in common (tf-idf)', tfIdfCosines(pairs)],
  ];
  const results = ways.map(([name, similarities]) => agreement(name, similarities, scores));
  const shown = (value: number | null) => (value === null ? '–' : decimal(value, 4));
  const table = {
    title: `similarity of ${pairs.length} pairs: Spearman’s ρ of cosines and scores ${shown(results[0].spearman)}`,
    header: ['cosines of', 'Spearman’s ρ', '95 % from', 'to', 'Pearson’s r'],
    rows: results.map(({ name, spearman, interval, pearson }) => [
      ...[name, shown(spearman), shown(interval?.[0] ?? null), shown(interval?.[1] ?? null), shown(pearson)],
    ]),
    notes: textNotes(evaluation.encoder, pairs.flat(), 'texts'),
  };
  const json = { data: path, pairs: pairs.length, results };
  const found = outcome(evaluation, 'similarity', table, json, await chart(results, pairs.length));
  return { ...found, files: { ...found.files, 'similarity.jsonl': [linesOf({ pairs, scores }, trained)] } };
}

/** Cosines of the embeddings of pairs. */
async function cosines(
  evaluation: TextEvaluation,
  pairs: ScoredPairs['pairs'],
  name: string,
  encoder?: EncoderOfTexts,
): Promise<Float64Array> {
  const { dimensions } = evaluation;
  const rows = await evaluation.unitFeatures(pairs.flat(), name, encoder);
  return Float64Array.from(pairs, (_, i) => {
    let sum = 0;
    for (let d = 0; d < dimensions; d++) sum += rows[2 * i * dimensions + d] * rows[(2 * i + 1) * dimensions + d];
    return sum;
  });
}

function agreement(name: string, similarities: ArrayLike<number>, scores: readonly number[]): Agreement {
  const [rho, r] = [spearman(similarities, scores), pearson(similarities, scores)];
  if (Number.isNaN(rho)) return { name, spearman: null, interval: null, pearson: null };
  return { name, spearman: rho, interval: correlationInterval(rho, scores.length, 'spearman'), pearson: r };
}

const chart = (results: readonly Agreement[], pairs: number) =>
  barChart({
    title: `Cosines of embeddings and scores of ${pairs} pairs of texts`,
    ...{ x: { label: 'cosines of' }, y: { label: 'correlation' } },
    categories: results.map(({ name }) => name),
    series: [
      { name: 'Spearman’s ρ', values: results.map(({ spearman }) => spearman ?? Number.NaN) },
      { name: 'Pearson’s r', values: results.map(({ pearson }) => pearson ?? Number.NaN) },
    ],
    digits: 3,
  });

/** A line for each pair: its texts, its score, the cosine of its embeddings. */
const linesOf = ({ pairs, scores }: ScoredPairs, found: Float64Array): string =>
  pairs
    .map(([text1, text2], i) => `${JSON.stringify({ text1, text2, score: scores[i], cosine: found[i] })}\n`)
    .join('');
