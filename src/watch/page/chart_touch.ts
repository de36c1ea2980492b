/** Fingers on a chart: two look closer, one moves what is looked at closely, or reads values where all is shown. */
import type { Range } from './api.ts';
import { panned, pinched } from './zoom.ts';

export interface TouchGestures {
  shown(): { readonly range: Range; readonly whole: Range };
  /** Undefined: all. */
  show(range: Range | undefined): void;
  /** Tells the values at a place, in pixels from the upper left corner. */
  point(left: number, top: number): void;
}

type Place = readonly [x: number, y: number];

/** Listens on what lies over a plot. Up and down the page is scrolled, as the style sheet says with `touch-action`. */
export function listenToTouch(over: HTMLElement, { shown, show, point }: TouchGestures): void {
  const fingers = new Map<number, Place>();
  const placeOf = (event: PointerEvent): Place => {
    const { left, top } = over.getBoundingClientRect();
    return [event.clientX - left, event.clientY - top];
  };
  const across = (): [number, number] => {
    const [a, b] = [...fingers.values()];
    return [a[0], b[0]];
  };
  over.addEventListener('pointerdown', (event) => {
    if (event.pointerType === 'touch') fingers.set(event.pointerId, placeOf(event));
  });
  over.addEventListener('pointermove', (event) => {
    const before = fingers.get(event.pointerId);
    if (!before || fingers.size > 2) return;
    const from = fingers.size === 2 ? across() : undefined;
    const now = placeOf(event);
    fingers.set(event.pointerId, now);
    const { range, whole } = shown();
    const width = over.clientWidth;
    if (from) show(pinched(range, width, from, across(), whole));
    else if (range[0] > whole[0] || range[1] < whole[1]) show(panned(range, width, now[0] - before[0], whole));
    else point(...now);
  });
  const lift = ({ pointerId }: PointerEvent) => void fingers.delete(pointerId);
  over.addEventListener('pointerup', lift);
  over.addEventListener('pointercancel', lift);
}
