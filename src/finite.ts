/** Index of the first element that is NaN or infinite, or −1. A loop: files of a training have tens of millions of values. */
export function firstNonFinite(data: ArrayLike<number>): number {
  for (let i = 0; i < data.length; i++) if (!Number.isFinite(data[i])) return i;
  return -1;
}
