/** A small painter for the sample set: colours in floats from 0 to 1, edges softened over one pixel. */
import { between, clamp, type Next, type Shape } from './shapes.ts';

export type Colour = readonly [number, number, number];

/** Square picture of floats, row by row, three a pixel. */
export interface Canvas {
  readonly size: number;
  readonly rgb: Float32Array;
}

/** Where a shape lies: coordinates are parts of the picture's side, from 0 to 1. */
export interface Placement {
  readonly x: number;
  readonly y: number;
  readonly radius: number;
  readonly angle: number;
  /** Width of the shape relative to its height before it is turned: the view from the side. */
  readonly stretch: number;
}

export interface Brush {
  readonly first: Colour;
  readonly second: Colour;
  readonly opacity: number;
  /** How much lighter one side is than the other, and in which direction the light falls. */
  readonly shade: number;
  readonly lightX: number;
  readonly lightY: number;
  /** Width of the edge in parts of the side; 0: one pixel. */
  readonly blur: number;
}

const clamp01 = (x: number): number => clamp(x, 0, 1);

/** A colour whose hue (as a share of the circle), saturation and value (HSV) are drawn evenly from the given ranges; any hue by default. */
export function randomColour(
  next: Next,
  saturation: readonly [number, number],
  value: readonly [number, number],
  hues: readonly [number, number] = [0, 1],
): Colour {
  const hue = 6 * (1 + between(next, ...hues));
  const s = between(next, ...saturation);
  const v = between(next, ...value);
  const channel = (n: number) => {
    const k = (n + hue) % 6;
    return v - v * s * Math.max(0, Math.min(k, 4 - k, 1));
  };
  return [channel(5), channel(3), channel(1)];
}

/** Difference that the eye sees, roughly: that of brightness, and a third of that of colour. */
export function contrast(a: Colour, b: Colour): number {
  const luma = ([r, g, bl]: Colour) => 0.299 * r + 0.587 * g + 0.114 * bl;
  const colour = Math.abs(a[0] - b[0]) + Math.abs(a[1] - b[1]) + Math.abs(a[2] - b[2]);
  return Math.abs(luma(a) - luma(b)) + colour / 6;
}

/** Paints a shape over what is there. `out = under + (paint − under)·opacity·coverage`. */
export function paint(canvas: Canvas, shape: Shape, place: Placement, brush: Brush): void {
  const { size, rgb } = canvas;
  const reach = place.radius * Math.max(1, place.stretch) * 1.35 + brush.blur;
  const from = (centre: number) => Math.max(0, Math.floor((centre - reach) * size));
  const to = (centre: number) => Math.min(size, Math.ceil((centre + reach) * size));
  const [cos, sin] = [Math.cos(place.angle) / place.radius, Math.sin(place.angle) / place.radius];
  const edge = place.radius / Math.max(1 / size, brush.blur);
  const toneEdge = place.radius * size;
  for (let row = from(place.y), lastRow = to(place.y); row < lastRow; row++) {
    for (let column = from(place.x), last = to(place.x); column < last; column++) {
      const dx = (column + 0.5) / size - place.x;
      const dy = (row + 0.5) / size - place.y;
      const x = (dx * cos + dy * sin) / place.stretch;
      const y = dy * cos - dx * sin;
      const coverage = clamp01(0.5 - shape.distance(x, y) * edge) * brush.opacity;
      if (coverage === 0) continue;
      const second = shape.tone ? clamp01(0.5 - shape.tone(x, y) * toneEdge) : 0;
      const light = 1 + (brush.shade * (dx * brush.lightX + dy * brush.lightY)) / place.radius;
      const at = (row * size + column) * 3;
      for (let c = 0; c < 3; c++) {
        const colour = (brush.first[c] + (brush.second[c] - brush.first[c]) * second) * light;
        rgb[at + c] += (colour - rgb[at + c]) * coverage;
      }
    }
  }
}

/** Smooth noise ("value noise"): random numbers on a grid of `cells` by `cells`, smoothly interpolated; from 0 to 1. */
export function smoothNoise(next: Next, cells: number): (x: number, y: number) => number {
  const side = cells + 2;
  const grid = Float32Array.from({ length: side * side }, next);
  const ease = (t: number) => t * t * (3 - 2 * t);
  return (x, y) => {
    const column = Math.floor(x * cells);
    const row = Math.floor(y * cells);
    const tx = ease(x * cells - column);
    const ty = ease(y * cells - row);
    const i = row * side + column;
    const top = grid[i] + (grid[i + 1] - grid[i]) * tx;
    const bottom = grid[i + side] + (grid[i + side + 1] - grid[i + side]) * tx;
    return top + (bottom - top) * ty;
  };
}

/** Fills the canvas: `mix(x, y)` from 0 to 1 says how much of the second colour a place gets. */
export function fill(canvas: Canvas, first: Colour, second: Colour, mix: (x: number, y: number) => number): void {
  const { size, rgb } = canvas;
  for (let row = 0, at = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      const t = clamp01(mix((column + 0.5) / size, (row + 0.5) / size));
      for (let c = 0; c < 3; c++) rgb[at++] = first[c] + (second[c] - first[c]) * t;
    }
  }
}
