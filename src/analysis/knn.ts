import { UserError } from '../errors.ts';
import { Program } from '../graph/program.ts';
import { State } from '../graph/state.ts';
import { input, trace, variable } from '../graph/trace.ts';
import { counted } from '../io/counted.ts';
import { cosineSimilarity } from '../ops/cosine_similarity.ts';
import { type Recognition, recognition } from './recognition.ts';

/** How nearest neighbours vote for a class. */
export interface KnnOptions {
  /** Neighbours that vote. */
  readonly k: number;
  /** A neighbour of similarity s votes with weight exp(s/τ) (Wu et al., 2018). */
  readonly temperature: number;
}

/** Features of images with their classes, in the same order. */
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

/** Queries, and rows of the bank, whose similarities are computed at a time: however many there are, memory is that of a block. */
interface Blocks {
  readonly blockRows?: number;
  readonly mostBanked?: number;
}

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
  blocks?: Blocks,
): Promise<Neighbours> {
  const [banked, count] = [bank.length / dimensions, queries.length / dimensions];
  if (k > banked || k < 1)
    throw new UserError(`${counted(k, 'neighbour')} among ${counted(banked, 'image')}: choose 1 to ${banked}`, 2);
  const nearest = Array.from({ length: count }, () => new Nearest(k));
  await similarities(state, bank, queries, dimensions, blocks, (query, values, first) =>
    nearest[query].see(values, first),
  );
  return {
    k,
    rows: Uint32Array.from(nearest.flatMap(({ places }) => [...places])),
    similarities: Float32Array.from(nearest.flatMap(({ values }) => [...values])),
  };
}

/**
 * All pairs of rows of features [count, dimensions] whose cosine is `least` or more, each once: `see(i, j, cosine)` with i < j. On the GPU.
 */
export async function pairsAbove(
  state: State,
  features: Float32Array,
  dimensions: number,
  least: number,
  see: (i: number, j: number, similarity: number) => void,
  blocks?: Blocks,
): Promise<void> {
  await similarities(state, features, features, dimensions, blocks, (query, values, first) => {
    for (let i = Math.max(0, query + 1 - first); i < values.length; i++)
      if (values[i] >= least) see(query, first + i, values[i]);
  });
}

/** Cosines of each query with the rows of a bank, a piece of it at a time: `see(query, values, row of the first)`. */
async function similarities(
  state: State,
  bank: Float32Array,
  queries: Float32Array,
  dimensions: number,
  { blockRows = 256, mostBanked = 16_384 }: Blocks = {},
  see: (query: number, values: Float32Array, first: number) => void,
): Promise<void> {
  const [banked, count] = [bank.length / dimensions, queries.length / dimensions];
  const piece = Math.min(banked, mostBanked);
  const own = new State(state.gpu);
  const rows = variable('bank', [piece, dimensions]);
  const { graph, result } = trace(() => ({
    similarity: cosineSimilarity(input('queries', [blockRows, dimensions], 'f32'), rows),
  }));
  const program = await Program.compile(graph, own, result);
  for (let first = 0; first < banked; first += piece) {
    own.write(rows, bank.subarray(first * dimensions, (first + piece) * dimensions), 0);
    const held = Math.min(piece, banked - first);
    for (let start = 0; start < count; start += blockRows) {
      const block = new Float32Array(blockRows * dimensions);
      block.set(queries.subarray(start * dimensions, (start + blockRows) * dimensions));
      const { similarity } = await program.run({ queries: block }).read();
      for (let row = 0; row < Math.min(blockRows, count - start); row++)
        see(start + row, (similarity as Float32Array).subarray(row * piece, row * piece + held), first);
    }
  }
  program.destroy();
  own.destroy();
}

/**
 * For each row of features [count, dimensions] the k nearest of the other rows by cosine, nearest first, of equals the earlier: [count, k].
 *
 * @throws UserError k is not from 1 to count − 1
 */
export async function nearestOthers(
  state: State,
  features: Float32Array,
  dimensions: number,
  k: number,
  blocks?: Blocks,
): Promise<Uint32Array> {
  const { rows } = await nearestRows(state, features, features, dimensions, k + 1, blocks);
  const others = new Uint32Array((rows.length / (k + 1)) * k);
  for (let row = 0; row * k < others.length; row++) {
    const found = rows.subarray(row * (k + 1), (row + 1) * (k + 1));
    // Where k + 1 rows equal this one it may not be among those found.
    others.set(found.filter((other) => other !== row).subarray(0, k), row * k);
  }
  return others;
}

/** The k largest values of those seen, largest first, of equals the earlier: a sorted list into which each value is put in its place. */
class Nearest {
  readonly values: Float32Array;
  readonly places: Uint32Array;
  private held = 0;

  constructor(private readonly k: number) {
    this.values = new Float32Array(k);
    this.places = new Uint32Array(k);
  }

  /** Takes note of values, the first of which is at `first`. */
  see(seen: Float32Array, first = 0): void {
    const { k, values, places } = this;
    for (let i = 0; i < seen.length; i++) {
      const value = seen[i];
      if (this.held === k && value <= values[k - 1]) continue;
      let place = this.held < k ? this.held++ : k - 1;
      for (; place > 0 && values[place - 1] < value; place--) {
        values[place] = values[place - 1];
        places[place] = places[place - 1];
      }
      values[place] = value;
      places[place] = first + i;
    }
  }
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
  const nearest = new Nearest(Math.min(k, similarities.length));
  nearest.see(similarities);
  return weigh(
    Array.from(nearest.places, (row) => labels[row]),
    nearest.values,
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
