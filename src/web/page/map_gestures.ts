/** Mouse, finger and keyboard on the map, as what they mean. */

/** What gestures do. Places are in CSS pixels from the map's upper left corner. */
export interface Gestures {
  pan(right: number, down: number): void;
  /** Without a place: around the middle. */
  zoom(factor: number, x?: number, y?: number): void;
  fit(): void;
  /** The pointer is here, and does nothing; undefined where it has left. */
  hover(place: readonly [x: number, y: number] | undefined): void;
  choose(x: number, y: number): void;
  /** Enter: what is in the middle. */
  chooseMiddle(): void;
}

/** A pointer that moves less is a click. */
const still = 6;
/** Pixels that an arrow key moves the map. */
const stride = 60;
const zoomStep = 1.4;

type Place = [x: number, y: number];

/** Keys that do something, until the next one. */
function onKey(event: KeyboardEvent, { pan, zoom, fit, chooseMiddle }: Gestures): boolean {
  if (event.altKey || event.ctrlKey || event.metaKey) return false;
  const actions: Record<string, () => void> = {
    ArrowLeft: () => pan(stride, 0),
    ArrowRight: () => pan(-stride, 0),
    ArrowUp: () => pan(0, stride),
    ArrowDown: () => pan(0, -stride),
    '+': () => zoom(zoomStep),
    '=': () => zoom(zoomStep),
    '-': () => zoom(1 / zoomStep),
    '0': fit,
    Home: fit,
    Enter: chooseMiddle,
  };
  const action = actions[event.key];
  action?.();
  return action !== undefined;
}

/** Listens on the map's canvas. */
export function listenToGestures(canvas: HTMLCanvasElement, gestures: Gestures): void {
  const pointers = new Map<number, Place>();
  let travelled = 0;
  const placeOf = (event: MouseEvent): Place => {
    const { left, top } = canvas.getBoundingClientRect();
    return [event.clientX - left, event.clientY - top];
  };
  const middleOf = (places: readonly Place[]): Place => [
    places.reduce((sum, [x]) => sum + x, 0) / places.length,
    places.reduce((sum, [, y]) => sum + y, 0) / places.length,
  ];
  const spreadOf = ([a, b]: readonly Place[]): number => Math.max(1, Math.hypot(a[0] - b[0], a[1] - b[1]));

  canvas.addEventListener('pointerdown', (event) => {
    if (event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    if (pointers.size === 0) travelled = 0;
    pointers.set(event.pointerId, placeOf(event));
  });
  canvas.addEventListener('pointermove', (event) => {
    const place = placeOf(event);
    if (!pointers.has(event.pointerId)) return gestures.hover(place);
    const before = [...pointers.values()];
    pointers.set(event.pointerId, place);
    const after = [...pointers.values()];
    const [from, to] = [middleOf(before), middleOf(after)];
    travelled += Math.hypot(to[0] - from[0], to[1] - from[1]) + (pointers.size > 1 ? still : 0);
    if (travelled < still) return;
    gestures.pan(to[0] - from[0], to[1] - from[1]);
    if (after.length === 2) gestures.zoom(spreadOf(after) / spreadOf(before), ...to);
  });
  const release = (event: PointerEvent): void => {
    const wasDown = pointers.delete(event.pointerId);
    if (event.type === 'pointerup' && wasDown && pointers.size === 0 && travelled < still)
      gestures.choose(...placeOf(event));
  };
  canvas.addEventListener('pointerup', release);
  canvas.addEventListener('pointercancel', release);
  canvas.addEventListener('pointerleave', () => gestures.hover(undefined));
  canvas.addEventListener(
    'wheel',
    (event) => {
      event.preventDefault();
      // Lines and pages of some mice, as pixels.
      const pixels = event.deltaY * [1, 16, 400][event.deltaMode];
      gestures.zoom(Math.exp(-pixels * (event.ctrlKey ? 0.01 : 0.002)), ...placeOf(event));
    },
    { passive: false },
  );
  canvas.addEventListener('keydown', (event) => {
    if (onKey(event, gestures)) event.preventDefault();
  });
}
