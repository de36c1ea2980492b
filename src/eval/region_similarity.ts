/** How well masks agree: the region similarity J of DAVIS (Perazzi et al., 2016). */

/** |A ∩ B| / |A ∪ B| */
export type Overlap = number;

/**
 * Of each object the overlap of where two masks have it. Where neither has it they agree: 1.
 *
 * @param one labels of pixels
 * @param other the same of another mask
 * @param objects labels that are asked about
 */
export function overlaps(one: Uint8Array, other: Uint8Array, objects: readonly number[]): Overlap[] {
  return objects.map((object) => {
    let [both, either] = [0, 0];
    for (let i = 0; i < one.length; i++) {
      const [a, b] = [one[i] === object, other[i] === object];
      if (a && b) both++;
      if (a || b) either++;
    }
    return either === 0 ? 1 : both / either;
  });
}
