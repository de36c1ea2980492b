/** Which part of a plane a canvas shows. Positions are [x, y] pairs; the plane's y points up, the canvas's down. */

export interface Viewport {
  /** The point of the plane in the middle of the canvas. */
  readonly x: number;
  readonly y: number;
  /** Pixels for one unit. */
  readonly scale: number;
  /** Of the canvas, in pixels. */
  readonly width: number;
  readonly height: number;
}

/** How far one can zoom, times the scale at which all fits. */
const zoomRange = [0.5, 200] as const;

/** Free space around everything, in pixels. */
const margin = 36;

/** All positions, as large as they fit. */
export function fitting(positions: ArrayLike<number>, width: number, height: number): Viewport {
  const range = (axis: 0 | 1): [number, number] => {
    let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (let i = axis; i < positions.length; i += 2) {
      low = Math.min(low, positions[i]);
      high = Math.max(high, positions[i]);
    }
    return low > high ? [-1, 1] : [low, high];
  };
  const [left, right] = range(0);
  const [bottom, top] = range(1);
  const side = (pixels: number, span: number) => Math.max(1, pixels - 2 * margin) / Math.max(span, 1e-3);
  const scale = Math.min(side(width, right - left), side(height, top - bottom));
  return { x: (left + right) / 2, y: (bottom + top) / 2, scale, width, height };
}

/** Where a point of the plane is on the canvas. */
export const onCanvas = (view: Viewport, x: number, y: number): [x: number, y: number] => [
  view.width / 2 + (x - view.x) * view.scale,
  view.height / 2 - (y - view.y) * view.scale,
];

/** The point of the plane at a place of the canvas. */
export const onPlane = (view: Viewport, x: number, y: number): [x: number, y: number] => [
  view.x + (x - view.width / 2) / view.scale,
  view.y - (y - view.height / 2) / view.scale,
];

/** What is shown is moved by so many pixels to the right and down; its middle stays among the positions, which are within −1 to 1. */
export function moved(view: Viewport, right: number, down: number): Viewport {
  const within = (value: number) => Math.max(-1.2, Math.min(1.2, value));
  return { ...view, x: within(view.x - right / view.scale), y: within(view.y + down / view.scale) };
}

/**
 * Larger by a factor; what is at a place of the canvas stays there.
 *
 * @param whole the scale at which all fits
 */
export function zoomed(
  view: Viewport,
  factor: number,
  whole: number,
  x = view.width / 2,
  y = view.height / 2,
): Viewport {
  const scale = Math.max(zoomRange[0] * whole, Math.min(zoomRange[1] * whole, view.scale * factor));
  const [planeX, planeY] = onPlane(view, x, y);
  const [nowX, nowY] = onCanvas({ ...view, scale }, planeX, planeY);
  return moved({ ...view, scale }, x - nowX, y - nowY);
}

/** The position nearest to a place of the canvas, at most `reach` pixels away; undefined where there is none. */
export function nearest(
  view: Viewport,
  positions: ArrayLike<number>,
  x: number,
  y: number,
  reach = Number.POSITIVE_INFINITY,
): number | undefined {
  let found: number | undefined;
  let least = reach * reach;
  for (let i = 0; i < positions.length / 2; i++) {
    const [px, py] = onCanvas(view, positions[2 * i], positions[2 * i + 1]);
    const distance = (px - x) ** 2 + (py - y) ** 2;
    if (distance > least) continue;
    least = distance;
    found = i;
  }
  return found;
}
