import { Program } from '../graph/program.ts';
import type { State } from '../graph/state.ts';
import { input, trace } from '../graph/trace.ts';
import { cosineSimilarity } from '../ops/cosine_similarity.ts';

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

/** Rows of the test set whose similarities are computed at a time. */
const blockRows = 256;

/** Share of the test rows that their nearest train rows, by cosine, give the right class. */
export async function knnAccuracy(
  state: State,
  train: Labelled,
  test: Labelled,
  dimensions: number,
  { k, temperature }: KnnOptions,
): Promise<number> {
  const bank = train.labels.length;
  const { graph, result } = trace(() => ({
    similarity: cosineSimilarity(
      input('test', [blockRows, dimensions], 'f32'),
      input('train', [bank, dimensions], 'f32'),
    ),
  }));
  const program = await Program.compile(graph, state, result);
  let right = 0;
  for (let start = 0; start < test.labels.length; start += blockRows) {
    const block = new Float32Array(blockRows * dimensions);
    block.set(test.features.subarray(start * dimensions, (start + blockRows) * dimensions));
    const { similarity } = await program.run({ test: block, train: train.features }).read();
    for (let row = 0; row < Math.min(blockRows, test.labels.length - start); row++) {
      const similarities = (similarity as Float32Array).subarray(row * bank, (row + 1) * bank);
      if (vote(similarities, train.labels, k, temperature) === test.labels[start + row]) right++;
    }
  }
  program.destroy();
  return right / test.labels.length;
}

/** The class with the most weight among the k most similar rows; of equals, the one whose neighbour is nearer. */
export function vote(similarities: Float32Array, labels: ArrayLike<number>, k: number, temperature: number): number {
  const nearest = Array.from(similarities, (_, i) => i)
    .sort((a, b) => similarities[b] - similarities[a] || a - b)
    .slice(0, k);
  const weights = new Map<number, number>();
  for (const i of nearest) {
    const weight = Math.exp((similarities[i] - similarities[nearest[0]]) / temperature);
    weights.set(labels[i], (weights.get(labels[i]) ?? 0) + weight);
  }
  return [...weights].reduce((best, entry) => (entry[1] > best[1] ? entry : best))[0];
}
