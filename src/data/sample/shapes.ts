/**
 * The ten things that the sample set shows. A shape is a signed distance: negative inside, zero on the outline, its size
 * about 1 (formulas after Inigo Quilez, "2D distance functions", iquilezles.org). Pictures get their soft edges from it.
 */

/** Next number of a stream, uniform in [0, 1). */
export type Next = () => number;

/** Something to paint, in coordinates where it has radius 1. */
export interface Shape {
  /** Signed distance to the outline. */
  distance(x: number, y: number): number;
  /** Signed distance to the border between its two colours, for shapes that have two; negative: the second colour. */
  tone?(x: number, y: number): number;
}

/** Classes of the sample set, in label order. */
export const SAMPLE_CLASSES = [
  'disc',
  'ring',
  'triangle',
  'square',
  'star',
  'cross',
  'stripes',
  'checker',
  'spiral',
  'crescent',
] as const;
export type SampleClass = (typeof SAMPLE_CLASSES)[number];

export const between = (next: Next, low: number, high: number): number => low + (high - low) * next();
export const clamp = (x: number, low: number, high: number): number => Math.min(high, Math.max(low, x));
const length = (x: number, y: number): number => Math.sqrt(x * x + y * y);

function box(x: number, y: number, halfWidth: number, halfHeight: number): number {
  const dx = Math.abs(x) - halfWidth;
  const dy = Math.abs(y) - halfHeight;
  return length(Math.max(dx, 0), Math.max(dy, 0)) + Math.min(Math.max(dx, dy), 0);
}

/** Equilateral triangle with half side r, centred. */
function triangle(x: number, y: number, r: number): number {
  const k = Math.sqrt(3);
  let px = Math.abs(x) - r;
  let py = y + r / k;
  if (px + k * py > 0) [px, py] = [(px - k * py) / 2, (-k * px - py) / 2];
  px -= clamp(px, -2 * r, 0);
  return -length(px, py) * Math.sign(py);
}

/** Five-pointed star of outer radius 1; `inner` is the ratio of its inner radius. */
function star(x: number, y: number, inner: number): number {
  const [kx, ky] = [0.809016994375, -0.587785252292];
  let px = Math.abs(x);
  let py = y;
  const first = 2 * Math.max(kx * px + ky * py, 0);
  [px, py] = [px - first * kx, py - first * ky];
  const second = 2 * Math.max(-kx * px + ky * py, 0);
  [px, py] = [Math.abs(px + second * kx), py - second * ky - 1];
  const [bx, by] = [-ky * inner, kx * inner - 1];
  const h = clamp((px * bx + py * by) / (bx * bx + by * by), 0, 1);
  return length(px - bx * h, py - by * h) * Math.sign(py * bx - px * by);
}

/** Archimedean spiral: an arm of half width `half`, `pitch` from turn to turn, cut off at radius 1. */
function spiral(x: number, y: number, pitch: number, half: number): number {
  const r = length(x, y);
  const turn = r / pitch - Math.atan2(y, x) / (2 * Math.PI);
  return Math.max(Math.abs(turn - Math.round(turn)) * pitch - half, r - 1);
}

/** A plain outline to carry a pattern: which one says nothing about the class. */
function carrier(next: Next): Shape['distance'] {
  const kind = Math.floor(next() * 3);
  const round = between(next, 0.08, 0.3);
  const aspect = between(next, 0.75, 1);
  if (kind === 0) return (x, y) => length(x, y) - 0.92;
  if (kind === 1) return (x, y) => box(x, y, 0.85 - round, 0.85 * aspect - round) - round;
  return (x, y) => triangle(x, y + 0.15, 1.05 - round) - round;
}

/** Signed distance of a wave of stripes, `period` wide. */
const bands = (u: number, period: number): number => (Math.abs(u / period - Math.round(u / period)) - 0.25) * period;

/** One specimen of each class; its proportions come from `next`. */
const MAKERS: Record<SampleClass, (next: Next) => Shape> = {
  disc: () => ({ distance: (x, y) => length(x, y) - 0.88 }),
  ring(next) {
    const half = between(next, 0.1, 0.2);
    return { distance: (x, y) => Math.abs(length(x, y) - 0.95 + half) - half };
  },
  triangle(next) {
    const round = between(next, 0, 0.12);
    return { distance: (x, y) => triangle(x, y, 1 - round) - round };
  },
  square(next) {
    const round = between(next, 0, 0.15);
    return { distance: (x, y) => box(x, y, 0.78 - round, 0.78 - round) - round };
  },
  star(next) {
    const inner = between(next, 0.38, 0.52);
    return { distance: (x, y) => star(x, y, inner) };
  },
  cross(next) {
    const half = between(next, 0.2, 0.32);
    return { distance: (x, y) => Math.min(box(x, y, 0.95, half), box(x, y, half, 0.95)) };
  },
  stripes(next) {
    const period = between(next, 0.32, 0.52);
    const phase = next();
    return { distance: carrier(next), tone: (x) => bands(x + phase, period) };
  },
  checker(next) {
    const period = between(next, 0.5, 0.8);
    const [dx, dy] = [next(), next()];
    return {
      distance: carrier(next),
      tone(x, y) {
        const a = bands(x + dx, period);
        const b = bands(y + dy, period);
        return a * b > 0 ? Math.min(Math.abs(a), Math.abs(b)) : -Math.min(Math.abs(a), Math.abs(b));
      },
    };
  },
  spiral(next) {
    const pitch = between(next, 0.38, 0.55);
    const half = pitch * between(next, 0.2, 0.28);
    const hand = next() < 0.5 ? -1 : 1;
    return { distance: (x, y) => spiral(x * hand, y, pitch, half) };
  },
  crescent(next) {
    const shift = between(next, 0.35, 0.5);
    const bite = between(next, 0.7, 0.8);
    return { distance: (x, y) => Math.max(length(x, y) - 0.95, bite - length(x - shift, y)) };
  },
};

/** A specimen of a class. */
export const makeShape = (name: SampleClass, next: Next): Shape => MAKERS[name](next);

/** Something in the way that belongs to no class: a short line, bent or straight, of half width `half`. */
export function makeClutter(next: Next): Shape {
  const half = between(next, 0.06, 0.2);
  const bend = between(next, -0.6, 0.6);
  return {
    distance: (x, y) => {
      const along = clamp(x, -1 + half, 1 - half);
      return length(x - along, y - bend * (along * along - 0.4)) - half;
    },
  };
}
