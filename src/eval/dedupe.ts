/** Photos of an indexed folder that show nearly the same, as groups. */
import { pairsAbove } from '../analysis/knn.ts';
import type { ListedPhoto } from '../data/photo_list.ts';
import { counted } from '../io/counted.ts';
import type { Evaluation } from './evaluation.ts';
import type { PhotoIndex } from './photo_index.ts';

/** A photo of a group. */
export interface Duplicate {
  readonly file: string;
  readonly bytes: number;
  /** Cosine with the first photo of the group; less than the threshold where others lead from one to the other. */
  readonly similarity: number;
  /** A photo before it in the group with the same bytes; null: there is none. */
  readonly copyOf: string | null;
}

/** Photos that are connected by similarities: the largest file first, of equals in the order of their paths. */
export type DuplicateGroup = readonly Duplicate[];

export interface DuplicateGroups {
  /** Those with most photos first. */
  readonly groups: readonly DuplicateGroup[];
  readonly photos: number;
  /** Photos with the bytes of another one, which is not counted. */
  readonly copies: number;
  /** Lines for people. */
  readonly notes: readonly string[];
  readonly json: object;
}

/** A group of more photos than this share of all says more of the encoder than of the photos. */
const suspiciousShare = 0.25;
const fewPhotos = 8;

/**
 * `simclr dedupe`: groups of two or more photos, each within `threshold` (a cosine) of another one of its group. Photos with the same bytes are in
 * one group whatever the encoder says.
 */
export async function findDuplicates(
  evaluation: Evaluation,
  { photos, features }: PhotoIndex,
  folder: string,
  threshold: number,
): Promise<DuplicateGroups> {
  const { state, dimensions } = evaluation;
  const joined = new Components(photos.length);
  const firstWith = new Map<string, number>();
  for (const [row, { sha256 }] of photos.entries()) {
    const first = firstWith.get(sha256);
    if (first === undefined) firstWith.set(sha256, row);
    else joined.join(first, row);
  }
  await pairsAbove(state, features, dimensions, threshold, (i, j) => joined.join(i, j));
  const rowOf = (row: number) => features.subarray(row * dimensions, (row + 1) * dimensions);
  const groups = joined
    .groups()
    .map((rows) => groupOf(rows, photos, rowOf))
    .sort((a, b) => b.length - a.length);
  const copies = photos.length - firstWith.size;
  const facts = { data: folder, threshold, photos: photos.length, copies };
  const notes = notesOf(groups, photos.length, threshold);
  return { groups, photos: photos.length, copies, notes, json: { ...evaluation.facts(), ...facts, groups } };
}

function groupOf(
  rows: readonly number[],
  photos: readonly ListedPhoto[],
  rowOf: (row: number) => Float32Array,
): DuplicateGroup {
  const sorted = rows.toSorted((a, b) => photos[b].bytes - photos[a].bytes || a - b);
  const seen = new Map<string, string>();
  return sorted.map((row) => {
    const { file, bytes, sha256 } = photos[row];
    const copyOf = seen.get(sha256) ?? null;
    if (copyOf === null) seen.set(sha256, file);
    return { file, bytes, similarity: cosine(rowOf(sorted[0]), rowOf(row)), copyOf };
  });
}

/** a·b / (|a| |b|) in float64; 0 where a row is zero. */
function cosine(a: Float32Array, b: Float32Array): number {
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    ab += a[i] * b[i];
    aa += a[i] * a[i];
    bb += b[i] * b[i];
  }
  return ab === 0 ? 0 : ab / Math.sqrt(aa * bb);
}

function notesOf(groups: readonly DuplicateGroup[], photos: number, threshold: number): string[] {
  const most = groups[0]?.length ?? 0;
  if (most < fewPhotos || most < suspiciousShare * photos) return [];
  return [
    `a group has ${most} of ${counted(photos, 'photo')}: at ${threshold} the encoder does not tell them apart; raise --threshold, or train it longer`,
  ];
}

/** Sets that are joined, by union-find with halving of paths; the root of a set is its first member. */
class Components {
  private readonly parents: Uint32Array;

  constructor(count: number) {
    this.parents = Uint32Array.from({ length: count }, (_, i) => i);
  }

  join(i: number, j: number): void {
    const [a, b] = [this.root(i), this.root(j)];
    this.parents[Math.max(a, b)] = Math.min(a, b);
  }

  private root(i: number): number {
    const { parents } = this;
    while (parents[i] !== i) i = parents[i] = parents[parents[i]];
    return i;
  }

  /** Sets of two or more, in the order of their first members. */
  groups(): number[][] {
    const members = new Map<number, number[]>();
    for (let i = 0; i < this.parents.length; i++) {
      const root = this.root(i);
      const group = members.get(root);
      if (group) group.push(i);
      else members.set(root, [i]);
    }
    return [...members.values()].filter((group) => group.length > 1);
  }
}
