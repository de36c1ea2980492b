/** Quantities of Lab cut into bins, to be predicted as classes. */
import { labOf } from '../data/lab.ts';

/** Bins of a quantity of so many numbers. */
export interface Bins {
  readonly name: string;
  /** Numbers of a value: 2 of (a, b), 1 of L. */
  readonly dimensions: number;
  /** Centres [count, dimensions]. */
  readonly centers: Float32Array;
  readonly count: number;
  /** Deviation of the Gaussian by which a value belongs to bins near it. */
  readonly sigma: number;
  /** What a value is divided by where it is predicted as numbers: then within about ±1. */
  readonly unit: number;
  /** Taken off before. */
  readonly center: number;
}

/** Sides of the bins of (a, b), in units of Lab. */
const grid = 10;
/** Steps of the colours by which bins are found. */
const lattice = 5;

let known: Float32Array | undefined;

/** Centres (a, b) of all cells of a grid of 10 that a colour of {0, 5, …, 255}³ falls into, by a, then by b: 260. */
function abCenters(): Float32Array {
  if (known) return known;
  const cells = new Set<number>();
  const key = (value: number) => Math.round(value / grid) + 32; // a and b are within ±110: above 0
  for (let red = 0; red <= 255; red += lattice)
    for (let green = 0; green <= 255; green += lattice)
      for (let blue = 0; blue <= 255; blue += lattice) {
        const [, a, b] = labOf([red / 255, green / 255, blue / 255]);
        cells.add(64 * key(a) + key(b));
      }
  const sorted = [...cells].sort((x, y) => x - y);
  known = Float32Array.from(sorted.flatMap((cell) => [Math.floor(cell / 64), cell % 64].map((k) => grid * (k - 32))));
  return known;
}

/** (a, b): 260 bins, which are those of Zhang et al. (2016) by another lattice; theirs are 313. */
export function abBins(): Bins {
  const centers = abCenters();
  return { name: 'ab', dimensions: 2, centers, count: centers.length / 2, sigma: 5, unit: 110, center: 0 };
}

/** L: 100 bins of 1 (Zhang et al., 2017). */
export function lightnessBins(): Bins {
  const centers = Float32Array.from({ length: 100 }, (_, i) => i + 0.5);
  return { name: 'L', dimensions: 1, centers, count: 100, sigma: 0.5, unit: 50, center: 50 };
}
