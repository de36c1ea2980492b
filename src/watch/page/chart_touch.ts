/** Fingers on a chart: two look closer, one moves what is looked at closely, or reads values where all is shown. */
import type { Range } from './api.ts';
import { panned, pinched } from './zoom.ts';

export interface TouchGestures {
  /** Where the curves are: another element when the plot has been made anew, which may be during a gesture. */
  over(): HTMLElement;
  shown(): { readonly range: Range; readonly whole: Range };
  /** Undefined: all. */
  show(range: Range | undefined): void;
  /** Tells the values at a place, in pixels from the upper left corner. */
  point(left: number, top: number): void;
}

type Place = readonly [x: number, y: number];

/** Listens on the place of a plot. Up and down the page is scrolled, as the style sheet says with `touch-action`. */
export function listenToTouch(host: HTMLElement, { over, shown, show, point }: TouchGestures): void {
  const fingers = new Map<number, Place>();
  /** What was shown, and where the fingers were, when they were as many as now: several moves may come before the plot is drawn again. */
  let begun: { readonly range: Range; readonly whole: Range; readonly places: readonly Place[] } | undefined;
  let asked: Range | undefined;
  const placeOf = (event: PointerEvent): Place => {
    const { left, top } = over().getBoundingClientRect();
    return [event.clientX - left, event.clientY - top];
  };
  const begin = () => {
    const { range, whole } = shown();
    begun = { range: asked ?? range, whole, places: [...fingers.values()] };
  };
  const ask = (range: Range | undefined, whole: Range) => {
    asked = range ?? whole;
    show(range);
  };
  host.addEventListener('pointerdown', (event) => {
    if (event.pointerType !== 'touch') return;
    if (fingers.size === 0) asked = undefined;
    fingers.set(event.pointerId, placeOf(event));
    begin();
  });
  host.addEventListener('pointermove', (event) => {
    if (!begun || !fingers.has(event.pointerId)) return;
    fingers.set(event.pointerId, placeOf(event));
    const { range, whole, places } = begun;
    const now = [...fingers.values()];
    const width = over().clientWidth;
    const across = ([a, b]: readonly Place[]) => [a[0], b[0]] as const;
    if (now.length === 2) ask(pinched(range, width, across(places), across(now), whole), whole);
    else if (now.length > 2) return;
    else if (range[0] > whole[0] || range[1] < whole[1])
      ask(panned(range, width, now[0][0] - places[0][0], whole), whole);
    else point(...now[0]);
  });
  const lift = ({ pointerId }: PointerEvent) => {
    if (fingers.delete(pointerId)) begin();
  };
  host.addEventListener('pointerup', lift);
  host.addEventListener('pointercancel', lift);
}
