/** Operations of augmentation policies by torchvision's definitions, and how they are drawn. */
import { operationNames } from '../../src/ops/augment_operations.ts';
import type { Definitions, Values } from './interpreter.ts';
import { mixCounter, uniform01, uniformBelow } from './random.ts';

type Colour = [number, number, number];
/** Colours row by row, of a square. */
type Picture = readonly Colour[];

const clamp = (x: number, most = 1): number => Math.min(most, Math.max(0, x));
const byte = (x: number): number => Math.floor(clamp(x) * 255 + 0.5);
const grey = ([r, g, b]: Colour): number => 0.2989 * r + 0.587 * g + 0.114 * b;
const black: Colour = [0, 0, 0];

/** `torch.round`: halves to the even neighbour. */
const nearest = (x: number): number => (Math.abs(x % 1) === 0.5 ? 2 * Math.round(x / 2) : Math.round(x));

/** Where pixels come from, (column, row) of a square of `size`. */
const sources: Record<string, (m: number, x: number, y: number, size: number) => [number, number]> = {
  shear_x: (m, x, y) => [x + m * (y + 0.5), y],
  shear_y: (m, x, y) => [x, y + m * (x + 0.5)],
  translate_x: (m, x, y) => [x - m, y],
  translate_y: (m, x, y) => [x, y - m],
  rotate(m, x, y, size) {
    const [angle, middle] = [(m * Math.PI) / 180, (size - 1) / 2];
    const [dx, dy] = [x - middle, y - middle];
    return [middle + Math.cos(angle) * dx - Math.sin(angle) * dy, middle + Math.sin(angle) * dx + Math.cos(angle) * dy];
  },
  turn: (m, x, y, size) =>
    m === 0 ? [x, y] : m === 1 ? [size - 1 - y, x] : m === 2 ? [size - 1 - x, size - 1 - y] : [y, size - 1 - x],
};

/** What becomes of a channel's bytes; the mean is that of grey. */
const curves: Record<string, (m: number, bytes: readonly number[], mean: number) => (b: number) => number> = {
  brightness: (m) => (b) => clamp((1 + m) * b, 255),
  contrast: (m, _, mean) => (b) => clamp((1 + m) * b - m * mean, 255),
  posterize: (m) => (b) => b - (b % 2 ** (8 - m)),
  solarize: (m) => (b) => (b >= m ? 255 - b : b),
  solarize_add: (m) => (b) => (b < 128 ? Math.min(255, b + m) : b),
  invert: () => (b) => 255 - b,
  auto_contrast(_m, bytes) {
    const [low, high] = [Math.min(...bytes), Math.max(...bytes)];
    return (b) => (high > low ? Math.floor((255 * (b - low)) / (high - low)) : b);
  },
  equalize(_m, bytes) {
    const last = Math.max(...bytes);
    const step = Math.floor(bytes.filter((b) => b !== last).length / 255);
    if (step === 0) return (b) => b;
    const below = (b: number) => bytes.filter((other) => other < b).length;
    return (b) => (b === 0 ? 0 : Math.min(255, Math.floor((below(b) + Math.floor(step / 2)) / step)));
  },
};

function normals(key: number): Colour {
  const pair = (draw: number) => {
    const radius = Math.sqrt(-2 * Math.log(1 - uniform01(key, draw)));
    const angle = 2 * Math.PI * uniform01(key, draw + 1);
    return [radius * Math.cos(angle), radius * Math.sin(angle)];
  };
  return [...pair(0), pair(2)[0]] as Colour;
}

/** One operation, done to a picture. */
export function applyOperation(picture: Picture, [number, m, u, v]: ArrayLike<number> & Iterable<number>): Picture {
  const name = operationNames[number];
  const size = Math.sqrt(picture.length);
  const pixels = (of: (colour: Colour, x: number, y: number, i: number) => Colour) =>
    picture.map((colour, i) => of(colour, i % size, Math.floor(i / size), i));
  if (name in sources) {
    return pixels((_, x, y) => {
      const [column, row] = sources[name](m, x, y, size).map(nearest);
      const inside = column >= 0 && column < size && row >= 0 && row < size;
      return inside ? picture[row * size + column] : black;
    });
  }
  if (name in curves) {
    const channels = [0, 1, 2].map((c) => picture.map((colour) => byte(colour[c])));
    const [r, g, b] = channels.map((bytes) => bytes.reduce((sum, x) => sum + x, 0) / bytes.length);
    const made = channels.map((bytes) => curves[name](m, bytes, grey([r, g, b])));
    return pixels((colour) => colour.map((x, c) => made[c](byte(x)) / 255) as Colour);
  }
  switch (name) {
    case 'saturation':
      return pixels((colour) => colour.map((x) => clamp((1 + m) * x - m * grey(colour))) as Colour);
    case 'sharpness':
      return pixels((colour, x, y) => {
        if (x === 0 || y === 0 || x === size - 1 || y === size - 1) return colour;
        return colour.map((own, c) => {
          let sum = 4 * byte(own);
          for (const dy of [-1, 0, 1]) for (const dx of [-1, 0, 1]) sum += byte(picture[(y + dy) * size + x + dx][c]);
          return clamp((1 + m) * byte(own) - m * Math.round(sum / 13), 255) / 255;
        }) as Colour;
      });
    case 'cutout': {
      const [column, row] = [u, v].map((place) => Math.floor(place * size));
      const half = Math.trunc(m / 2);
      const covers = (centre: number, at: number) => at >= centre - half && at < centre + half;
      return pixels((colour, x, y) => (covers(column, x) && covers(row, y) ? black : colour));
    }
    case 'noise':
      return pixels((colour, _x, _y, i) => {
        const seeds = [u, v].map((place) => place * 2 ** 24);
        const drawn = normals(mixCounter(mixCounter(seeds[0], seeds[1]), i));
        return colour.map((x, c) => clamp(x + m * drawn[c])) as Colour;
      });
    default:
      return picture;
  }
}

/** The row of PBA's operation with this number; undefined where a view has fewer. */
function scheduled(key: number, rows: readonly Values[], number: number): number | undefined {
  const share = uniform01(key, 384);
  const most = share < Math.fround(0.2) ? 0 : share < 0.5 ? 1 : 2;
  const order = rows.map((_, i) => i);
  for (let i = 0; i < order.length; i++) {
    const j = i + uniformBelow(key, 256 + i, order.length - i);
    [order[i], order[j]] = [order[j], order[i]];
  }
  const passed = order.filter((row) => uniform01(key, 320 + row) < Math.fround(rows[row][1]));
  return number < most ? passed[number] : undefined;
}

export default {
  augment_operations([indices, seeds, slots, table], { attrs }) {
    const { views } = attrs as { views: number };
    const keys = Array.from({ length: views }, (_, view) =>
      Array.from(indices, (index) => [...seeds, index, view].reduce(mixCounter, 0)),
    ).flat();
    const drawn = keys.flatMap((key) =>
      Array.from({ length: slots.length / 4 }, (_, s) => {
        const [first, count, draw, isScheduled] = slots.subarray(4 * s, 4 * s + 4);
        const rows = Array.from({ length: count }, (_row, i) => table.subarray(4 * (first + i), 4 * (first + i) + 4));
        const chosen = isScheduled ? scheduled(key, rows, draw) : uniformBelow(key, 64 + draw, count);
        const chance = 128 + 4 * s;
        const done = chosen !== undefined && (isScheduled || uniform01(key, chance) < Math.fround(rows[chosen][1]));
        if (!done) return [0, 0, 0, 0];
        const [operation, , magnitude, signed] = rows[chosen];
        const sign = signed && uniform01(key, chance + 1) < 0.5 ? -1 : 1;
        return [operation, sign * magnitude, uniform01(key, chance + 2), uniform01(key, chance + 3)];
      }).flat(),
    );
    return [Float64Array.from(drawn)];
  },
} satisfies Definitions;
