/**
 * The assignment of least cost: each of n rows gets a column of its own, cost[i][column of i] summed is smallest. Kuhn and
 * Munkres' method with potentials, one row after another by a shortest augmenting path (Jonker & Volgenant, 1987): O(n²·m).
 *
 * @param cost [rows, columns] row by row, rows ≤ columns
 * @returns the column of each row
 */
export function assign(cost: ArrayLike<number>, rows: number, columns: number): Int32Array {
  if (rows > columns || cost.length !== rows * columns) {
    throw new RangeError(`[assign] ${cost.length} costs are not a ${rows}×${columns} matrix with rows ≤ columns`);
  }
  const u = new Float64Array(rows + 1);
  const v = new Float64Array(columns + 1);
  // owner[j]: the row (from 1) that has column j (from 1); column 0 stands for the row that is being placed.
  const owner = new Int32Array(columns + 1);
  for (let row = 1; row <= rows; row++) {
    owner[0] = row;
    augment(cost, columns, u, v, owner);
  }
  const result = new Int32Array(rows).fill(-1);
  for (let j = 1; j <= columns; j++) if (owner[j] > 0) result[owner[j] - 1] = j - 1;
  return result;
}

/** Finds the shortest path from column 0 to a free column in reduced costs and moves the rows along it. */
function augment(cost: ArrayLike<number>, columns: number, u: Float64Array, v: Float64Array, owner: Int32Array): void {
  const distance = new Float64Array(columns + 1).fill(Number.POSITIVE_INFINITY);
  const previous = new Int32Array(columns + 1);
  const done = new Uint8Array(columns + 1);
  let at = 0;
  do {
    done[at] = 1;
    const row = owner[at];
    let step = Number.POSITIVE_INFINITY;
    let next = 0;
    for (let j = 1; j <= columns; j++) {
      if (done[j]) continue;
      const reduced = cost[(row - 1) * columns + j - 1] - u[row] - v[j];
      if (reduced < distance[j]) {
        distance[j] = reduced;
        previous[j] = at;
      }
      if (distance[j] < step) {
        step = distance[j];
        next = j;
      }
    }
    for (let j = 0; j <= columns; j++) {
      if (done[j]) {
        u[owner[j]] += step;
        v[j] -= step;
      } else distance[j] -= step;
    }
    at = next;
  } while (owner[at] !== 0);
  for (; at !== 0; at = previous[at]) owner[at] = owner[previous[at]];
}
