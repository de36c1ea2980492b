/** Carrying frame by frame, on every adapter, against `propagate` of a whole clip in float64. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { carryThrough, type Journey, placeMeans } from '../../src/eval/carry_through.ts';
import { Gpu } from '../../src/gpu/device.ts';
import { State } from '../../src/graph/state.ts';
import { constant } from '../../src/graph/trace.ts';
import { interpolate } from '../../src/ops/interpolate.ts';
import { l2Normalize } from '../../src/ops/l2_normalize.ts';
import { reshape } from '../../src/ops/reshape.ts';
import { propagate } from '../../src/ssl/propagation.ts';
import { values } from '../losses/values.ts';
import { adapters, noise } from '../ops/harness.ts';

const side = 3;
const places = side * side;
/** Place i of it looks like place `order[i]` of the first frame, and like no other. */
const orthonormal = (order: readonly number[]): Float32Array =>
  Float32Array.from({ length: places * places }, (_, i) => Number(i % places === order[Math.floor(i / places)]));
const inOrder = Array.from({ length: places }, (_, i) => i);
const turned = (by: number) => inOrder.map((i) => (i + by) % places);

/** Sums of shares that are rounded may differ in the last bits. */
function expectNear(carried: readonly Float32Array[], expected: readonly number[]): void {
  const found = carried.flatMap((one) => Array.from(one));
  expect(found).toHaveLength(expected.length);
  for (const [i, value] of expected.entries()) expect(Math.abs(found[i] - value), `value ${i}`).toBeLessThan(1e-6);
}

describe.each(adapters)('%s', (adapter) => {
  let gpu: Gpu;
  let state: State;
  beforeAll(async () => {
    gpu = await Gpu.open({ adapter });
    state = new State(gpu);
  });
  afterAll(() => {
    state?.destroy();
    gpu?.destroy();
  });

  async function through(frames: readonly Float32Array[], given: Partial<Journey>): Promise<Float32Array[]> {
    const first = given.first ?? noise(places, 7);
    const asked: number[] = [];
    const embed = async (t: number) => {
      asked.push(t);
      return frames[t];
    };
    const journey = {
      ...{ length: frames.length, side, dimensions: frames[0].length / places, embed, first, channels: 1 },
      ...{ size: side, frames: 2, temperature: 1e-3, ...given },
    };
    const carried: Float32Array[] = [];
    for await (const one of carryThrough(state, journey)) carried.push(one);
    expect(asked).toEqual(inOrder.slice(0, frames.length));
    return carried;
  }

  it('orthonormal places and a sharp temperature copy exactly, wherever a place went', async () => {
    const first = noise(places, 7);
    const ways = [0, 1, 3, 8, 2].map(turned);
    const carried = await through(ways.map(orthonormal), { first });
    expectNear(
      carried,
      ways.flatMap((way) => way.map((from) => first[from])),
    );
  });

  it('of frames that are all the same, each has the mask unchanged', async () => {
    const still = orthonormal(inOrder);
    const first = Float32Array.from({ length: 2 * places }, (_, i) => Number(i % 2 === Number(i < 8)));
    const carried = await through(Array(6).fill(still), { first, channels: 2, frames: 3 });
    expectNear(carried, Array(6).fill(Array.from(first)).flat());
  });

  it.each([1, 2, 5])('copying from %i frames equals the whole clip at once', async (frames) => {
    const [length, dimensions, channels, size, temperature] = [5, 4, 3, 6, 0.3];
    const first = noise(places * channels, 3);
    const rows = noise(length * places * dimensions, 5);
    const [unit, expected] = values(() => {
      const unit = l2Normalize(constant('rows', rows, [length * places, dimensions]));
      const known = constant('first', first, [1, places, channels]);
      const whole = propagate(reshape(unit, [length, places, dimensions]), known, { frames, temperature });
      return [unit, interpolate(reshape(whole, [length, side, side, channels]), [size, size])];
    });
    const embedded = Array.from({ length }, (_, t) =>
      Float32Array.from(unit.slice(t * places * dimensions, (t + 1) * places * dimensions)),
    );
    const carried = await through(embedded, { first, channels, size, frames, temperature });
    expectNear(carried, expected);
  });
});

it('places have the means of their pixels', () => {
  const pixels = [1, 3, 5, 5, 5, 7, 5, 5, 0, 0, 2, 0, 0, 4, 0, 2];
  expect(Array.from(placeMeans(pixels, 4, 2, 1))).toEqual([4, 5, 1, 1]);
  expect(Array.from(placeMeans([1, -1, 3, -3, 1, -1, 3, -3], 2, 1, 2))).toEqual([2, -2]);
});
