/**
 * First values of parameters, torchvision's distributions drawn from a counter-based generator: element i of a parameter depends
 * on the seed, the parameter's name in its network and i, and on nothing else.
 */
import { lowbias32 } from '../data/hash.ts';
import { withoutNetwork } from './module.ts';

function hashName(name: string): number {
  let hash = 0;
  for (let i = 0; i < name.length; i++) hash = lowbias32(hash ^ (name.charCodeAt(i) + Math.imul(i, 0x9e3779b9)));
  return hash;
}

/** Uniform numbers in (0, 1), one for each counter. */
function stream(seed: number, name: string): (counter: number) => number {
  const key = lowbias32(lowbias32(seed) ^ hashName(withoutNetwork(name)));
  return (counter) => (lowbias32(lowbias32(counter) ^ key) + 0.5) / 2 ** 32;
}

/** `size` draws of N(0, std²) by Box and Muller's transform. */
export function normal(seed: number, name: string, size: number, std: number): Float32Array {
  const uniform = stream(seed, name);
  return Float32Array.from({ length: size }, (_, i) => {
    const radius = Math.sqrt(-2 * Math.log(uniform(2 * i)));
    return std * radius * Math.cos(2 * Math.PI * uniform(2 * i + 1));
  });
}

/** `size` draws of U(−bound, bound). */
export function uniform(seed: number, name: string, size: number, bound: number): Float32Array {
  const draw = stream(seed, name);
  return Float32Array.from({ length: size }, (_, i) => (2 * draw(i) - 1) * bound);
}

/** Rows of so many columns, each brought to length one. */
export function unitRows(values: Float32Array, columns: number): Float32Array {
  for (let start = 0; start < values.length; start += columns) {
    const row = values.subarray(start, start + columns);
    const length = Math.hypot(...row);
    row.forEach((value, i) => {
      row[i] = value / length;
    });
  }
  return values;
}
