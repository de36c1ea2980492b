/** k-means by Lloyd's iterations, begun with k-means++ (Arthur & Vassilvitskii, 2007) and restarted; on the CPU in float64. */

import { toUnit, wordStream } from '../data/hash.ts';
import { UserError } from '../errors.ts';
import { counted } from '../io/counted.ts';

/** How `kMeans` looks for clusters. */
export interface KMeansOptions {
  readonly clusters: number;
  /** Of so many runs from other beginnings the one with the least inertia counts. */
  readonly restarts: number;
  readonly iterations: number;
  readonly seed: number;
}

export const kMeansDefaults = { restarts: 10, iterations: 300, seed: 1 } as const;

/** What `kMeans` found. */
export interface Clusters {
  /** [clusters, dimensions] */
  readonly centres: Float64Array;
  /** Cluster of each row. */
  readonly assignment: Int32Array;
  /** Sum over the rows of the squared distance to their centre. */
  readonly inertia: number;
  /** Iterations of the best run. */
  readonly iterations: number;
}

/** Keeps this use of a seed apart from all others. */
const stream = 0x6b6d;

/**
 * Clusters the rows of x [rows, dimensions].
 *
 * @param options `clusters`, and what is to differ from 10 restarts of at most 300 iterations and seed 1
 * @throws UserError more clusters than rows
 */
export function kMeans(
  x: Float32Array,
  dimensions: number,
  options: Pick<KMeansOptions, 'clusters'> & Partial<KMeansOptions>,
): Clusters {
  const rows = x.length / dimensions;
  const { clusters, restarts, iterations, seed } = { ...kMeansDefaults, ...options };
  if (clusters > rows || clusters < 1) {
    throw new UserError(
      `k-means: ${counted(clusters, 'cluster')} for ${counted(rows, 'image')}; choose 1 to ${rows} clusters`,
      2,
    );
  }
  let best: Clusters | undefined;
  for (let restart = 0; restart < restarts; restart++) {
    const found = lloyd(
      x,
      dimensions,
      plusPlus(x, dimensions, clusters, wordStream(stream, seed, restart)),
      iterations,
    );
    if (!best || found.inertia < best.inertia) best = found;
  }
  return best!;
}

/** The cluster of each of so many rows, for a method that learns from clusters: one run of k-means is as good as another there. */
export function clusterRows(x: Float32Array, rows: number, clusters: number, seed: number): Uint32Array {
  const { assignment } = kMeans(x, x.length / rows, { clusters, restarts: 1, iterations: 100, seed });
  return Uint32Array.from(assignment);
}

/** The first centre is a random row; each further one is drawn with a probability ∝ its squared distance to the nearest so far. */
function plusPlus(x: Float32Array, dimensions: number, clusters: number, word: (i: number) => number): Float64Array {
  const rows = x.length / dimensions;
  const centres = new Float64Array(clusters * dimensions);
  const distance = new Float64Array(rows).fill(Number.POSITIVE_INFINITY);
  let chosen = Math.floor(toUnit(word(0)) * rows);
  for (let cluster = 0; cluster < clusters; cluster++) {
    centres.set(x.subarray(chosen * dimensions, (chosen + 1) * dimensions), cluster * dimensions);
    let total = 0;
    for (let row = 0; row < rows; row++) {
      distance[row] = Math.min(distance[row], squaredDistance(x, row, centres, cluster, dimensions));
      total += distance[row];
    }
    chosen = draw(distance, toUnit(word(cluster + 1)) * total);
  }
  return centres;
}

function draw(weights: Float64Array, target: number): number {
  let sum = 0;
  let last = 0;
  for (let i = 0; i < weights.length; i++) {
    if (weights[i] === 0) continue;
    sum += weights[i];
    last = i;
    if (sum > target) return i;
  }
  return last;
}

function lloyd(x: Float32Array, dimensions: number, centres: Float64Array, most: number): Clusters {
  const rows = x.length / dimensions;
  const assignment = new Int32Array(rows).fill(-1);
  for (let iteration = 1; ; iteration++) {
    const { changed, inertia, farthest } = assignRows(x, dimensions, centres, assignment);
    if (changed === 0 || iteration === most) return { centres, assignment, inertia, iterations: iteration };
    moveCentres(x, dimensions, centres, assignment, farthest);
  }
}

/** The nearest centre of each row (of equals the first). */
export function assignRows(x: Float32Array, dimensions: number, centres: Float64Array, assignment: Int32Array) {
  const clusters = centres.length / dimensions;
  let changed = 0;
  let inertia = 0;
  let farthest = 0;
  let most = -1;
  for (let row = 0; row < assignment.length; row++) {
    let best = 0;
    let least = Number.POSITIVE_INFINITY;
    for (let cluster = 0; cluster < clusters; cluster++) {
      const distance = squaredDistance(x, row, centres, cluster, dimensions);
      if (distance < least) {
        least = distance;
        best = cluster;
      }
    }
    if (assignment[row] !== best) changed++;
    assignment[row] = best;
    inertia += least;
    if (least > most) {
      most = least;
      farthest = row;
    }
  }
  return { changed, inertia, farthest };
}

/** Each centre becomes the mean of its rows; one without rows becomes the row that is farthest from its centre. */
function moveCentres(
  x: Float32Array,
  dimensions: number,
  centres: Float64Array,
  assignment: Int32Array,
  farthest: number,
): void {
  const counts = new Float64Array(centres.length / dimensions);
  centres.fill(0);
  assignment.forEach((cluster, row) => {
    counts[cluster]++;
    for (let d = 0; d < dimensions; d++) centres[cluster * dimensions + d] += x[row * dimensions + d];
  });
  counts.forEach((count, cluster) => {
    const centre = centres.subarray(cluster * dimensions, (cluster + 1) * dimensions);
    if (count === 0) centre.set(x.subarray(farthest * dimensions, (farthest + 1) * dimensions));
    else for (let d = 0; d < dimensions; d++) centre[d] /= count;
  });
}

function squaredDistance(x: Float32Array, row: number, y: Float64Array, other: number, dimensions: number): number {
  const [a, b] = [row * dimensions, other * dimensions];
  let even = 0;
  let odd = 0;
  let d = 0;
  for (; d + 1 < dimensions; d += 2) {
    const first = x[a + d] - y[b + d];
    const second = x[a + d + 1] - y[b + d + 1];
    even += first * first;
    odd += second * second;
  }
  if (d < dimensions) even += (x[a + d] - y[b + d]) ** 2;
  return even + odd;
}
