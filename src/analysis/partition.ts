/** How well two partitions of the same items (classes and clusters) agree. Names of classes and clusters do not matter. */
import { assign } from './hungarian.ts';

/** counts [classes, clusters]: how many items of a class fell into a cluster. */
export interface Contingency {
  readonly counts: Float64Array;
  readonly classes: number;
  readonly clusters: number;
  readonly total: number;
}

/** Counts pairs of a class and a cluster; numbers from 0 on. */
export function contingency(
  labels: ArrayLike<number>,
  clusters: ArrayLike<number>,
  classCount = largest(labels) + 1,
  clusterCount = largest(clusters) + 1,
): Contingency {
  if (labels.length !== clusters.length || labels.length === 0) {
    throw new RangeError(`[contingency] ${labels.length} labels and ${clusters.length} clusters`);
  }
  const counts = new Float64Array(classCount * clusterCount);
  for (let i = 0; i < labels.length; i++) counts[labels[i] * clusterCount + clusters[i]]++;
  return { counts, classes: classCount, clusters: clusterCount, total: labels.length };
}

const largest = (values: ArrayLike<number>): number => {
  let most = 0;
  for (let i = 0; i < values.length; i++) most = Math.max(most, values[i]);
  return most;
};

/**
 * The class of each cluster in the one-to-one matching that gives most items their class; −1 for a cluster that is left over
 * where there are more clusters than classes.
 */
export function matchClusters({ counts, classes, clusters }: Contingency): Int32Array {
  const size = Math.max(classes, clusters);
  const cost = new Float64Array(size * size);
  for (let cluster = 0; cluster < clusters; cluster++) {
    for (let label = 0; label < classes; label++) cost[cluster * size + label] = -counts[label * clusters + cluster];
  }
  return assign(cost, size, size)
    .slice(0, clusters)
    .map((label) => (label < classes ? label : -1));
}

/** Share of items whose cluster is matched to their class. */
export function matchedAccuracy({ counts, clusters, total }: Contingency, match: ArrayLike<number>): number {
  let right = 0;
  for (let cluster = 0; cluster < clusters; cluster++) {
    if (match[cluster] >= 0) right += counts[match[cluster] * clusters + cluster];
  }
  return right / total;
}

function sums({ counts, classes, clusters }: Contingency): { rows: Float64Array; columns: Float64Array } {
  const rows = new Float64Array(classes);
  const columns = new Float64Array(clusters);
  counts.forEach((count, at) => {
    rows[Math.floor(at / clusters)] += count;
    columns[at % clusters] += count;
  });
  return { rows, columns };
}

/**
 * Normalised mutual information I(U; V) / ((H(U) + H(V)) / 2), the arithmetic mean as in scikit-learn; 1 where both partitions
 * have one part only.
 */
export function normalizedMutualInformation(table: Contingency): number {
  const { counts, clusters, total } = table;
  const { rows, columns } = sums(table);
  const entropy = (parts: Float64Array) =>
    parts.reduce((sum, count) => (count > 0 ? sum - (count / total) * Math.log(count / total) : sum), 0);
  const mean = (entropy(rows) + entropy(columns)) / 2;
  if (mean === 0) return 1;
  let information = 0;
  counts.forEach((count, at) => {
    if (count === 0) return;
    const expected = (rows[Math.floor(at / clusters)] * columns[at % clusters]) / total;
    information += (count / total) * Math.log(count / expected);
  });
  return Math.max(0, information / mean);
}

/**
 * Rand index of pairs corrected for chance (Hubert & Arabie, 1985): (Σ C(n_ij, 2) − E) / (½(A + B) − E), A = Σ C(a_i, 2),
 * B = Σ C(b_j, 2), E = A·B / C(n, 2). 1 for equal partitions, about 0 for unrelated ones, and below 0 for worse.
 */
export function adjustedRandIndex(table: Contingency): number {
  const pairs = (parts: Float64Array) => parts.reduce((sum, count) => sum + (count * (count - 1)) / 2, 0);
  const { rows, columns } = sums(table);
  const [together, a, b] = [pairs(table.counts), pairs(rows), pairs(columns)];
  const all = (table.total * (table.total - 1)) / 2;
  if (a === b && together === a) return 1;
  const expected = (a * b) / all;
  return (together - expected) / ((a + b) / 2 - expected);
}
