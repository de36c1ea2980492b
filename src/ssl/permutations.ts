/** Sets of permutations for jigsaw puzzles: far from each other, so that a few tiles do not tell which it is. */

/** How many places two permutations differ in. */
export const hammingDistance = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce((sum, value, i) => sum + Number(value !== b[i]), 0);

/** All permutations of 0 … n − 1, in lexicographic order. */
export function allPermutations(n: number): number[][] {
  if (n === 0) return [[]];
  const rest = allPermutations(n - 1);
  return Array.from({ length: n }, (_, first) =>
    rest.map((tail) => [first, ...tail.map((value) => value + Number(value >= first))]),
  ).flat();
}

/**
 * Noroozi & Favaro's algorithm 1, made deterministic: the identity first, then each time that permutation whose Hamming distances to those
 * before have the largest sum, or the largest minimum and of those the largest sum; of equal ones the first in lexicographic order.
 * By sums, as in the paper, two of 64 permutations of 9 tiles may differ in as little as 2 places; by minima they differ in 7 (of 100: 6).
 */
export function greedyPermutations(tiles: number, count: number, by: 'sum' | 'minimum'): number[][] {
  const all = allPermutations(tiles);
  const flat = Uint8Array.from(all.flat());
  const sums = new Uint32Array(all.length);
  const minima = new Uint8Array(all.length).fill(by === 'sum' ? 0 : tiles);
  const chosen: number[] = [0];
  while (chosen.length < Math.min(count, all.length)) {
    const last = all[chosen.at(-1)!];
    let best = -1;
    for (let i = 0; i < all.length; i++) {
      let distance = 0;
      for (let k = 0; k < tiles; k++) distance += Number(flat[i * tiles + k] !== last[k]);
      sums[i] += distance;
      if (distance < minima[i]) minima[i] = distance;
      const farther = best < 0 || minima[i] > minima[best] || (minima[i] === minima[best] && sums[i] > sums[best]);
      if (farther && !chosen.includes(i)) best = i;
    }
    chosen.push(best);
  }
  return chosen.map((i) => all[i]);
}

/** The product in GF(9): a + 3b stands for a + bi with i² = −1, modulo 3. */
function timesInGf9(x: number, y: number): number {
  const [a, b, c, d] = [x % 3, Math.floor(x / 3), y % 3, Math.floor(y / 3)];
  return ((a * c + 2 * b * d) % 3) + 3 * ((a * d + b * c) % 3);
}

const plusInGf9 = (x: number, y: number): number =>
  (((x % 3) + (y % 3)) % 3) + 3 * ((Math.floor(x / 3) + Math.floor(y / 3)) % 3);

/**
 * The 72 maps x → a x + b of the field of 9 elements, a ≠ 0, as permutations of 9 tiles; the identity first. Two of them agree in one
 * place at most, as a linear equation has one solution: their distance is 8 or 9, and no set of more than 72 has that.
 */
export function affinePermutations(): number[][] {
  const elements = Array.from({ length: 9 }, (_, x) => x);
  return elements.slice(1).flatMap((a) => elements.map((b) => elements.map((x) => plusInGf9(timesInGf9(a, x), b))));
}
