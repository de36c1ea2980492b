/** Arrow keys in a grid of which one element at a time is reached by Tab. */

/**
 * Where a key leads from place `index` of a grid; undefined for keys that lead nowhere. Left and right go on to the next row.
 *
 * @param columns of the grid
 * @param count of its places, in the order of reading
 * @param page rows that Page Up and Page Down pass
 */
export function placeAfter(
  key: string,
  index: number,
  { columns, count, page = 4 }: { readonly columns: number; readonly count: number; readonly page?: number },
): number | undefined {
  const within = (place: number): number => Math.max(0, Math.min(count - 1, place));
  /** Up and down keep the column: where there is no row, they stay. */
  const rows = (by: number): number => {
    const row = Math.floor(index / columns);
    const last = Math.floor((count - 1) / columns);
    const wanted = Math.max(0, Math.min(last, row + by));
    return within(wanted * columns + (index % columns));
  };
  switch (key) {
    case 'ArrowRight':
      return within(index + 1);
    case 'ArrowLeft':
      return within(index - 1);
    case 'ArrowDown':
      return rows(1);
    case 'ArrowUp':
      return rows(-1);
    case 'PageDown':
      return rows(page);
    case 'PageUp':
      return rows(-page);
    case 'Home':
      return 0;
    case 'End':
      return count - 1;
    default:
      return undefined;
  }
}
