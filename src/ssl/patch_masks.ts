/** Which patches of an image are seen, and which are to be told: masks of masked autoencoders, drawn from counters. */
import type { Random } from './rng.ts';

/**
 * How patches are chosen (He et al., 2022, fig. 6). `random`: any. `block`: those within large rectangles are hidden. `grid`: of each 2 × 2
 * the same one is seen.
 */
export const patchSamplings = ['random', 'block', 'grid'] as const;
export type PatchSampling = (typeof patchSamplings)[number];

/** How many of an image's patches are seen: int(L (1 − ratio)), one at least. */
export const keptOf = (patches: number, ratio: number): number => Math.max(1, Math.floor(patches * (1 - ratio) + 1e-9));

export interface PatchMask {
  /** Patches that are seen, in the order of their keys. */
  readonly kept: Uint32Array;
  /** Of each patch its rank by key: below the number of those that are seen, its place among them. */
  readonly ranks: Uint32Array;
}

/** The patches with the smallest keys are seen; of equal keys the first. */
export function maskByKeys(keys: ArrayLike<number>, kept: number): PatchMask {
  const order = Uint32Array.from(Array.from(keys, (_, patch) => patch).sort((a, b) => keys[a] - keys[b] || a - b));
  const ranks = new Uint32Array(order.length);
  order.forEach((patch, rank) => {
    ranks[patch] = rank;
  });
  return { kept: order.slice(0, kept), ranks };
}

/** A key for each patch of a grid, row by row: those that are to be hidden first have the largest. */
export function drawKeys(sampling: PatchSampling, grid: number, hidden: number, draw: Random): Float64Array {
  const keys = Float64Array.from({ length: grid * grid }, () => draw.uniform());
  if (sampling === 'block') return blockKeys(keys, grid, hidden, draw);
  if (sampling === 'random') return keys;
  const seen = draw.below(4);
  return keys.map((key, patch) => {
    const place = 2 * (Math.floor(patch / grid) % 2) + ((patch % grid) % 2);
    return place === seen ? key : 1 + key;
  });
}

/** Attempts after which patches of no rectangle are hidden, too: none of a few large patches may be left for one. */
const mostRectangles = 100;

/** Rectangles of a sixteenth of the grid to half of it, one after another until they cover as many patches as are to be hidden (BEiT). */
function blockKeys(keys: Float64Array, grid: number, hidden: number, draw: Random): Float64Array {
  const result = Float64Array.from(keys);
  let covered = 0;
  for (let i = 0; i < mostRectangles && covered < hidden; i++) {
    const area = (grid * grid) / 16 + draw.uniform() * grid * grid * (1 / 2 - 1 / 16);
    const aspect = Math.exp((2 * draw.uniform() - 1) * Math.log(1 / 0.3));
    const side = (length: number) => Math.min(grid, Math.max(1, Math.round(length)));
    const [height, width] = [side(Math.sqrt(area * aspect)), side(Math.sqrt(area / aspect))];
    const [top, left] = [draw.below(grid - height + 1), draw.below(grid - width + 1)];
    for (let row = top; row < top + height; row++)
      for (let column = left; column < left + width; column++) {
        const patch = row * grid + column;
        if (result[patch] >= 1) continue;
        // Of the last rectangle some may be seen, of those before it none.
        result[patch] = mostRectangles + 1 - i + keys[patch];
        covered++;
      }
  }
  return result;
}
