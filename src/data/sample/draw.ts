/**
 * Draws the pictures of the sample set. The class decides the shape of one object and, for most pictures, roughly its hue, as
 * with fruit or flowers in photographs: things are more colourful than what is behind them. Everything else is drawn anew for
 * every picture: saturation and brightness, background, light, things in the way and grain; place, size and angle vary as in
 * photographs of one thing, roughly upright and near the centre.
 */
import { toUnit, wordStream } from '../hash.ts';
import {
  type Brush,
  type Canvas,
  type Colour,
  contrast,
  fill,
  type Placement,
  paint,
  randomColour,
  smoothNoise,
} from './paint.ts';
import { between, clamp, makeClutter, makeShape, type Next, SAMPLE_CLASSES } from './shapes.ts';

/** Purpose of the streams; a change of the drawings changes it, so that old sample files are not taken for new ones. */
export const SAMPLE_VERSION = 3;

/**
 * Picture `index` of a class: size×size RGB, row by row, 3 bytes a pixel. Always the same for the same arguments.
 *
 * @param classIndex place in SAMPLE_CLASSES
 * @param index any integer from 0
 */
export const drawSample = (classIndex: number, index: number, size: number): Uint8Array =>
  painted(classIndex, index, size).pixels;

/**
 * What a caption says of picture `index` of a class: size, colour and class of its object, and where it is, as `a large red star on the
 * left`.
 */
export function describeSample(classIndex: number, index: number): string {
  // Nothing that is drawn at random depends on the size of the picture.
  const { first, place } = painted(classIndex, index, 1).object;
  const size = place.radius > middleRadius ? 'large' : 'small';
  const noun = nouns[SAMPLE_CLASSES[classIndex]] ?? SAMPLE_CLASSES[classIndex];
  const where = place.x < 0.45 ? 'on the left' : place.x > 0.55 ? 'on the right' : 'in the middle';
  return `a ${size} ${colourName(first)} ${noun} ${where}`;
}

const middleRadius = 0.38;
/** What the classes are called in a sentence. */
const nouns: Readonly<Record<string, string>> = { stripes: 'pattern of stripes', checker: 'checker pattern' };

/** Names of hues from red on, each of a twelfth of the circle. */
const hueNames = [
  ...['red', 'orange', 'yellow', 'lime', 'green', 'mint', 'cyan', 'azure', 'blue', 'violet', 'magenta', 'pink'],
];

/** The name of a colour by its hue, and `dark` before it where it is. */
function colourName([r, g, b]: Colour): string {
  const most = Math.max(r, g, b);
  const range = Math.max(1e-6, most - Math.min(r, g, b));
  const sixth = most === r ? (g - b) / range : most === g ? 2 + (b - r) / range : 4 + (r - g) / range;
  const name = hueNames[Math.round(2 * sixth + 12) % 12];
  return most < 0.6 ? `dark ${name}` : name;
}

/** The object of a picture. */
interface Painted {
  /** Its colour; it may have a second one. */
  readonly first: Colour;
  readonly place: Placement;
}

function painted(classIndex: number, index: number, size: number): { pixels: Uint8Array; object: Painted } {
  const name = SAMPLE_CLASSES[classIndex];
  if (name === undefined) throw new RangeError(`[drawSample] class ${classIndex} of ${SAMPLE_CLASSES.length}`);
  const word = wordStream(SAMPLE_VERSION, classIndex, index);
  let drawn = 0;
  const next: Next = () => toUnit(word(drawn++));

  const canvas: Canvas = { size, rgb: new Float32Array(size * size * 3) };
  const background = paintBackground(canvas, next);
  const lightAngle = next() * 2 * Math.PI;
  const light = { lightX: Math.cos(lightAngle), lightY: Math.sin(lightAngle) };
  paintClutter(canvas, Math.floor(next() * 5), light, next);
  const object = paintObject(canvas, makeShape(name, next), huesOf(classIndex, next), background, light, next);
  if (next() < 0.3) paintClutter(canvas, 1, light, next);
  return { pixels: develop(canvas, light, next, (pixel) => word(2 ** 20 + pixel)), object };
}

type Range = readonly [number, number];

/** Share of the pictures whose object has a colour that says nothing of its class. */
const anyColour = 0.1;

/** The hues of an object: near its class's typical one, as with fruit, or any. */
function huesOf(classIndex: number, next: Next): Range {
  if (next() < anyColour) return [0, 1];
  const typical = classIndex / SAMPLE_CLASSES.length;
  return [typical - 0.05, typical + 0.05];
}

type Light = Pick<Brush, 'lightX' | 'lightY'>;

/** A wall, a glow, blotches, or ground and sky; all with some blotches. Returns its two colours. */
function paintBackground(canvas: Canvas, next: Next): readonly [Colour, Colour] {
  const first = randomColour(next, [0, 0.4], [0.15, 0.95]);
  const second = randomColour(next, [0, 0.4], [0.15, 0.95]);
  const coarse = smoothNoise(next, 4);
  const fine = smoothNoise(next, 14);
  const roughness = between(next, 0.1, 0.6);
  const angle = next() * 2 * Math.PI;
  const [nx, ny] = [Math.cos(angle), Math.sin(angle)];
  const [cx, cy] = [next(), next()];
  const kind = Math.floor(next() * 4);
  const large = [
    (x: number, y: number) => 0.5 + nx * (x - 0.5) + ny * (y - 0.5),
    (x: number, y: number) => Math.sqrt((x - cx) ** 2 + (y - cy) ** 2),
    (x: number, y: number) => 2 * coarse(y, x) - 0.5,
    (x: number, y: number) => 0.5 + 25 * (nx * (x - 0.5) + ny * (y - 0.5) + 0.2 * (coarse(y, x) - 0.5)),
  ][kind];
  const blotches = (x: number, y: number) => 0.6 * coarse(x, y) + 0.4 * fine(x, y) - 0.5;
  fill(canvas, first, second, (x, y) => clamp(large(x, y), 0, 1) * 0.8 + 0.1 + roughness * blotches(x, y));
  return [first, second];
}

function paintClutter(canvas: Canvas, pieces: number, light: Light, next: Next): void {
  for (let piece = 0; piece < pieces; piece++) {
    const colour = randomColour(next, [0, 0.5], [0.1, 1]);
    const place = {
      x: next(),
      y: next(),
      radius: between(next, 0.06, 0.22),
      angle: next() * 2 * Math.PI,
      stretch: 1,
    };
    const opacity = between(next, 0.5, 1);
    paint(canvas, makeClutter(next), place, { first: colour, second: colour, opacity, shade: 0.1, ...light, blur: 0 });
  }
}

function paintObject(
  canvas: Canvas,
  shape: ReturnType<typeof makeShape>,
  hues: Range,
  background: readonly Colour[],
  light: Light,
  next: Next,
): Painted {
  const first = unlike(background, 0.28, hues, next);
  const second = unlike([first], 0.4, hues, next);
  const place: Placement = {
    x: between(next, 0.36, 0.64),
    y: between(next, 0.36, 0.64),
    radius: between(next, 0.3, 0.46),
    angle: between(next, -0.6, 0.6),
    stretch: between(next, 0.8, 1),
  };
  const brush: Brush = { first, second, opacity: 1, shade: between(next, 0, 0.35), ...light, blur: 0 };
  if (next() < 0.6) {
    const away = between(next, 0.03, 0.08);
    const under = { ...place, x: place.x - light.lightX * away, y: place.y - light.lightY * away };
    const opacity = between(next, 0.2, 0.6);
    // Only the outline casts the shadow, not the pattern within.
    paint(canvas, { distance: shape.distance }, under, { ...brush, first: [0, 0, 0], shade: 0, opacity, blur: 0.04 });
  }
  paint(canvas, shape, place, brush);
  return { first, place };
}

/** A colour that stands out from all of `others` by at least `least`, or the best of twelve. */
function unlike(others: readonly Colour[], least: number, hues: Range, next: Next): Colour {
  let best: Colour = [0, 0, 0];
  let bestContrast = -1;
  for (let trial = 0; trial < 12 && bestContrast < least; trial++) {
    const colour = randomColour(next, [0.5, 1], [0.35, 1], hues);
    const worst = Math.min(...others.map((other) => contrast(colour, other)));
    if (worst > bestContrast) [best, bestContrast] = [colour, worst];
  }
  return best;
}

/** Light over the whole picture, exposure and grain (a byte of a random word for each channel); then bytes. */
function develop(canvas: Canvas, light: Light, next: Next, grain: (pixel: number) => number): Uint8Array {
  const { size, rgb } = canvas;
  const exposure = between(next, 0.5, 1.2);
  const fall = between(next, 0, 0.5);
  const amount = between(next, 0, 0.09);
  const bytes = new Uint8ClampedArray(rgb.length); // rounds and clamps what is stored
  for (let row = 0, at = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      const across = ((column + 0.5) / size - 0.5) * light.lightX + ((row + 0.5) / size - 0.5) * light.lightY;
      const gain = exposure * (1 + fall * across);
      const word = grain(row * size + column);
      for (let c = 0; c < 3; c++, at++) {
        bytes[at] = rgb[at] * gain * 255 + amount * (((word >>> (8 * c)) & 255) - 127.5);
      }
    }
  }
  return new Uint8Array(bytes.buffer);
}
