import { UserError } from '../errors.ts';
import { Program } from '../graph/program.ts';
import type { State } from '../graph/state.ts';
import { input, trace } from '../graph/trace.ts';
import { counted } from '../io/counted.ts';
import { cosineSimilarity } from '../ops/cosine_similarity.ts';
import { type Recognition, recognition } from './recognition.ts';

export interface KnnOptions {
  /** Neighbours that vote. */
  readonly k: number;
  /** A neighbour of similarity s votes with weight exp(s/τ) (Wu et al., 2018). */
  readonly temperature: number;
}

export interface Labelled {
  /** [count, dimensions] */
  readonly features: Float32Array;
  readonly labels: ArrayLike<number>;
}

/** The most similar rows of a bank for each query, most similar first; k to a query. */
export interface Neighbours {
  readonly k: number;
  /** [queries, k] rows of the bank. */
  readonly rows: Uint32Array;
  /** [queries, k] cosine similarities. */
  readonly similarities: Float32Array;
}

/** Rows of the test set whose similarities are computed at a time. */
const blockRows = 256;

/**
 * The k rows of `bank` [count, dimensions] nearest by cosine to each row of `queries` [queries, dimensions], on the GPU; of equals
 * the earlier. A query that is in the bank finds itself.
 *
 * @throws UserError k is not from 1 to `count`
 */
export async function nearestRows(
  state: State,
  bank: Float32Array,
  queries: Float32Array,
  dimensions: number,
  k: number,
): Promise<Neighbours> {
  const [banked, count] = [bank.length / dimensions, queries.length / dimensions];
  if (k > banked || k < 1)
    throw new UserError(`${counted(k, 'neighbour')} among ${counted(banked, 'image')}: choose 1 to ${banked}`, 2);
  const { graph, result } = trace(() => ({
    similarity: cosineSimilarity(
      input('test', [blockRows, dimensions], 'f32'),
      input('train', [banked, dimensions], 'f32'),
    ),
  }));
  const program = await Program.compile(graph, state, result);
  const found = { k, rows: new Uint32Array(count * k), similarities: new Float32Array(count * k) };
  for (let start = 0; start < count; start += blockRows) {
    const block = new Float32Array(blockRows * dimensions);
    block.set(queries.subarray(start * dimensions, (start + blockRows) * dimensions));
    const { similarity } = await program.run({ test: block, train: bank }).read();
    for (let row = 0; row < Math.min(blockRows, count - start); row++) {
      const similarities = (similarity as Float32Array).subarray(row * banked, (row + 1) * banked);
      const best = largest(similarities, k);
      found.rows.set(best, (start + row) * k);
      for (let i = 0; i < k; i++) found.similarities[(start + row) * k + i] = similarities[best[i]];
    }
  }
  program.destroy();
  return found;
}

/** Indices of the k largest values, largest first, of equals the earlier: a sorted list into which each value is put in its place. */
function largest(values: Float32Array, k: number): Uint32Array {
  const best = new Uint32Array(k);
  let held = 0;
  for (let i = 0; i < values.length; i++) {
    if (held === k && values[i] <= values[best[k - 1]]) continue;
    let place = held < k ? held++ : k - 1;
    for (; place > 0 && values[best[place - 1]] < values[i]; place--) best[place] = best[place - 1];
    best[place] = i;
  }
  return best;
}

/** The vote of the first k of the neighbours that were found, for each query: its class. */
export function voteOfNearest(
  { k: found, rows, similarities }: Neighbours,
  labels: ArrayLike<number>,
  { k, temperature }: KnnOptions,
): Int32Array {
  if (k > found) throw new RangeError(`[voteOfNearest] ${k} of ${found} neighbours`);
  return Int32Array.from({ length: rows.length / found }, (_, query) => {
    const at = query * found;
    return weigh(
      Array.from(rows.subarray(at, at + k), (row) => labels[row]),
      similarities.subarray(at, at + k),
      temperature,
    );
  });
}

/** Share of the test rows that their nearest train rows, by cosine, give the right class. */
export const knnAccuracy = async (...given: Parameters<typeof knnRecognition>): Promise<number> =>
  (await knnRecognition(...given)).accuracy;

/** The same, and the mean of the classes' own shares. */
export async function knnRecognition(
  state: State,
  train: Labelled,
  test: Labelled,
  dimensions: number,
  options: KnnOptions,
): Promise<Recognition> {
  const k = Math.min(options.k, train.labels.length);
  const neighbours = await nearestRows(state, train.features, test.features, dimensions, k);
  const votes = voteOfNearest(neighbours, train.labels, { ...options, k });
  return recognition(votes, test.labels);
}

/** The class with the most weight among the k most similar rows; of equals, the one whose neighbour is nearer. */
export function vote(similarities: Float32Array, labels: ArrayLike<number>, k: number, temperature: number): number {
  const nearest = largest(similarities, Math.min(k, similarities.length));
  return weigh(
    Array.from(nearest, (row) => labels[row]),
    Float32Array.from(nearest, (row) => similarities[row]),
    temperature,
  );
}

/** Weights exp((s − s of the nearest) / τ), which differ from exp(s/τ) by a factor and never overflow. */
function weigh(classes: readonly number[], similarities: Float32Array, temperature: number): number {
  const weights = new Map<number, number>();
  classes.forEach((label, i) => {
    const weight = Math.exp((similarities[i] - similarities[0]) / temperature);
    weights.set(label, (weights.get(label) ?? 0) + weight);
  });
  return [...weights].reduce((best, entry) => (entry[1] > best[1] ? entry : best))[0];
}
