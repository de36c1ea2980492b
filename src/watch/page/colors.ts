/** A colour for each run, which it keeps while the page is open; canvases are told what the style sheet says. */

/** Colours of the style sheet, `--run-0` to `--run-9`. */
const count = 10;
/** Lines beyond them differ in their dashes. */
const dashes: readonly (readonly number[])[] = [[], [8, 4], [2, 3]];

const places = new Map<string, number>();

/** The runs that are new get the next colours, in this order. */
export function assignColors(ids: readonly string[]): void {
  for (const id of ids) if (!places.has(id)) places.set(id, places.size);
}

export const colorVariable = (id: string): string => `var(--run-${(places.get(id) ?? 0) % count})`;

export const dashOf = (id: string): number[] => [...dashes[Math.floor((places.get(id) ?? 0) / count) % dashes.length]];

/** What a colour of the style sheet is now, as a canvas takes it. */
export function resolved(color: string): string {
  const probe = document.createElement('span');
  probe.style.color = color;
  probe.hidden = true;
  document.body.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}
