/** What is near to queries, as lists and as rows of a table. */
import type { Neighbours } from '../analysis/knn.ts';

/** A row of a bank that was found. */
export interface Ranked {
  readonly row: number;
  readonly similarity: number;
}

/** For each query what is near to it, the nearest first. */
export const ranked = ({ k, rows, similarities }: Neighbours): Ranked[][] =>
  Array.from({ length: rows.length / k }, (_, query) =>
    Array.from({ length: k }, (_, i) => ({ row: rows[query * k + i], similarity: similarities[query * k + i] })),
  );

/** Rows of a table: the name of the query where its list begins, the rank, and the cells of what was found. */
export const rankRows = (
  names: readonly string[],
  lists: readonly (readonly (readonly string[])[])[],
): (readonly string[])[] =>
  lists.flatMap((list, query) => list.map((cells, i) => [i === 0 ? names[query] : '', String(i + 1), ...cells]));
