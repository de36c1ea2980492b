/** An encoder that is on a device, and what is done with it: features, neighbours, a map. */
import { Embedder } from '../analysis/embed.ts';
import { nearestRows } from '../analysis/knn.ts';
import { firstComponents } from '../analysis/pca.ts';
import { mostPoints, tsne, tsneDefaults } from '../analysis/tsne.ts';
import type { ImageSet } from '../data/images.ts';
import type { Preparation } from '../data/preparation.ts';
import type { State } from '../graph/state.ts';
import { csvPieces } from '../io/csv_table.ts';
import type { Encoder } from '../nn/encoder.ts';

export interface Model {
  readonly state: State;
  readonly encoder: Encoder;
  readonly preparation: Preparation;
  /** Training steps that its weights have seen; 0 where that is not known. */
  readonly step: number;
  destroy(): void;
}

type OnCount = (done: number, total: number) => void;

/** Features [count, dimensions] of photos, with the weights as they are now. */
export async function featuresOf(
  { state, encoder, preparation }: Model,
  set: ImageSet,
  onProgress?: OnCount,
): Promise<Float32Array> {
  const batchSize = Math.min(64, set.count);
  const embedder = await Embedder.create(state, encoder, set, { ...preparation, batchSize });
  try {
    return await embedder.embed(set, undefined, (done) => onProgress?.(done, set.count));
  } finally {
    embedder.destroy();
    state.gpu.trim();
  }
}

/** A row of a bank, and its cosine similarity with the query. */
export interface Found {
  readonly row: number;
  readonly similarity: number;
}

/** The k rows of a bank [count, dimensions] most similar to a query [dimensions], most similar first; without one that is named. */
export async function mostSimilar(
  { state, encoder: { dimensions } }: Model,
  bank: Float32Array,
  query: Float32Array,
  k: number,
  without?: number,
): Promise<Found[]> {
  const count = bank.length / dimensions;
  const others = without === undefined ? count : count - 1;
  const wanted = Math.min(k, others);
  if (wanted < 1) return [];
  const { rows, similarities } = await nearestRows(state, bank, query, dimensions, Math.min(count, wanted + 1));
  return Array.from(rows, (row, i) => ({ row, similarity: similarities[i] }))
    .filter(({ row }) => row !== without)
    .slice(0, wanted);
}

/** Positions [count, 2] scaled to within −1 to 1 about their middle, both axes alike. */
export function withinSquare(positions: ArrayLike<number>): Float32Array {
  const [low, high] = [
    [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
    [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY],
  ];
  for (let i = 0; i < positions.length; i++) {
    low[i % 2] = Math.min(low[i % 2], positions[i]);
    high[i % 2] = Math.max(high[i % 2], positions[i]);
  }
  const half = Math.max(high[0] - low[0], high[1] - low[1]) / 2 || 1;
  return Float32Array.from(positions, (value, i) => (value - (low[i % 2] + high[i % 2]) / 2) / half);
}

/** Photos along the first two principal components of their features. */
export const pcaMap = (features: Float32Array, dimensions: number): Float32Array =>
  withinSquare(firstComponents(features, dimensions));

/** How many photos t-SNE can lay out on this device, and the fewest that it takes. */
export const tsneRange = ({ state }: Model) => ({ least: 5, most: mostPoints(state) });

/**
 * The same by t-SNE, at the usual perplexity or the largest that so few photos allow.
 * @param onProgress given the positions so far; the layout ends early where it returns false
 */
export async function tsneMap(
  { state }: Model,
  features: Float32Array,
  dimensions: number,
  onProgress: (done: number, total: number, positions: Float32Array) => boolean,
): Promise<{ readonly positions: Float32Array; readonly interrupted: boolean }> {
  const count = features.length / dimensions;
  const perplexity = Math.min(tsneDefaults.perplexity, (count - 1) / 3);
  let interrupted = false;
  const { coordinates } = await tsne(state, features, dimensions, {
    perplexity,
    onPositions(iteration, positions) {
      interrupted = !onProgress(iteration, tsneDefaults.iterations, withinSquare(positions));
      return !interrupted;
    },
  });
  return { positions: withinSquare(coordinates), interrupted };
}

/** Features as a table in CSV, as `simclr embed` writes it. */
export function featureTable(features: Float32Array, names: readonly string[]): Uint8Array<ArrayBuffer> {
  const table = { count: names.length, texts: { file: (i: number) => names[i] } };
  const text = [...csvPieces({ ...table, numbers: { values: features, columns: 'features' } })].join('');
  return new TextEncoder().encode(text);
}
