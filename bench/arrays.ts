import { uniform } from '../src/nn/init.ts';

/** Arrays one after another. */
export function concatenate(arrays: readonly Float32Array[]): Float32Array {
  const whole = new Float32Array(arrays.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const array of arrays) {
    whole.set(array, offset);
    offset += array.length;
  }
  return whole;
}

/** ‖actual − expected‖ / ‖expected‖; infinite for NaN and for other lengths. */
export function relativeDistance(actual: Float32Array | undefined, expected: Float32Array): number {
  if (actual?.length !== expected.length) return Number.POSITIVE_INFINITY;
  let difference = 0;
  let norm = 1e-60;
  expected.forEach((value, i) => {
    difference += (actual[i] - value) ** 2;
    norm += value ** 2;
  });
  const distance = Math.sqrt(difference / norm);
  return Number.isNaN(distance) ? Number.POSITIVE_INFINITY : distance;
}

/** A prime, so that no dimension of a case divides it. */
const period = 65_521;

/** `size` numbers, uniform between −bound and bound, the same for a name every time; repeated after `period` ones. */
export function noise(name: string, size: number, bound = 1): Float32Array {
  const block = uniform(1, name, Math.min(size, period), bound);
  const whole = new Float32Array(size);
  for (let start = 0; start < size; start += period) whole.set(block.subarray(0, size - start), start);
  return whole;
}
