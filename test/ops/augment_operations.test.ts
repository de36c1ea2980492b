/** Operations of policies: each on every adapter as its definition has it, and how they are drawn. */
import { expect, it } from 'vitest';
import { Program } from '../../src/graph/program.ts';
import { State } from '../../src/graph/state.ts';
import { constant, trace } from '../../src/graph/trace.ts';
import { augment, packAugmentParameters } from '../../src/ops/augment.ts';
import {
  augmentOperations,
  type OperationName,
  type OperationSlot,
  operationNames,
  operationTable,
  packOperation,
} from '../../src/ops/augment_operations.ts';
import { cast } from '../../src/ops/cast.ts';
import { packedWords } from '../../src/ops/gather_images.ts';
import { interpret } from '../reference/interpreter.ts';
import { lowbias32 } from '../values.ts';
import { type Case, onEveryAdapter, testCases } from './harness.ts';

type Step = readonly [name: OperationName, magnitude?: number, place?: readonly [number, number]];

/** Smooth pictures with noise, none of whose channels has all bytes. */
function picture(count: number, size: number) {
  const words = packedWords({ height: size, width: size });
  const packed = new Uint32Array(count * words);
  const bytes = new Uint8Array(packed.buffer);
  for (let n = 0; n < count; n++)
    for (let i = 0; i < size * size * 3; i++)
      bytes[n * words * 4 + i] = 30 + ((5 * i + 40 * n) % 160) + (lowbias32(i + 1000 * n) % 20);
  return constant('images', packed, [count, words]);
}

/** Views of whole images of that size, each with as many steps. */
function views(size: number, steps: readonly (readonly Step[])[]) {
  const row = packAugmentParameters({ crop: [0, 0, size, size] });
  const parameters = constant('parameters', Float32Array.from(steps.flatMap(() => [...row])), [steps.length, 16]);
  const rows = Float32Array.from(steps.flatMap((ofView) => ofView.flatMap((step) => packOperation(...step))));
  const options = {
    height: size,
    width: size,
    size,
    blurKernel: 3,
    mean: [0.5, 0.4, 0.3],
    std: [0.2, 0.3, 0.25],
  } as const;
  const operations = constant('operations', rows, [steps.length, rows.length / steps.length]);
  return augment(picture(steps.length, size), parameters, { ...options, antialias: true }, operations);
}

/** Magnitudes at which no pixel lies in the middle between two. */
const alone: readonly Step[] = [
  ['identity'],
  ['shear_x', 0.27],
  ['shear_x', -0.13],
  ['shear_y', 0.21],
  ['shear_y', -0.27],
  ['translate_x', 5],
  ['translate_x', -3],
  ['translate_y', 4],
  ['translate_y', -16],
  ['rotate', 29.3],
  ['rotate', -7.1],
  ['turn', 1],
  ['turn', 2],
  ['turn', 3],
  ['saturation', 0.7],
  ['saturation', -0.9],
  ['sharpness', 0.9],
  ['sharpness', -0.6],
  ['cutout', 7, [0.3, 0.99]],
  ['noise', 0.1, [0.25, 0.75]],
  ['brightness', 0.8],
  ['brightness', -0.4],
  ['contrast', 0.9],
  ['contrast', -0.7],
  ['posterize', 3],
  ['posterize', 8],
  ['posterize', 0],
  ['solarize', 127.5],
  ['solarize', 0],
  ['solarize_add', 110],
  ['invert'],
  ['auto_contrast'],
  ['equalize'],
];

/** The error of log, cos and of a mean over all pixels in f32; on GPUs, cos may be off by 2⁻¹¹ of a deviation. */
const tolerance = 2e-4;
const cases: readonly Case[] = [
  ...[16, 19].map((size) => ({
    name: `each operation alone, ${size} pixels`,
    tolerance,
    build: () => ({
      views: views(
        size,
        alone.map((step) => [step]),
      ),
    }),
  })),
  {
    name: 'equalize, enough pixels to do something',
    build: () => ({ views: views(40, [[['equalize']], [['contrast', 0.5]]]) }),
  },
  ...[2, 3, 4].map((count) => ({
    name: `${count} operations, one after another`,
    tolerance,
    build() {
      const steps: readonly Step[] = [['turn', 1], ['cutout', 5, [0.5, 0.2]], ['invert'], ['saturation', 0.5]];
      return { views: views(17, [steps.slice(0, count), steps.slice(4 - count)]) };
    },
  })),
  {
    name: 'stored as f16',
    feature: 'shader-f16',
    build: () => ({
      y: cast(
        views(16, [
          [['rotate', 11], ['invert']],
          [['equalize'], ['shear_x', 0.1]],
        ]),
        'f16',
      ),
    }),
  },
];
testCases(cases);

it('all operations are tested', () => {
  expect(new Set(alone.map(([name]) => name))).toEqual(new Set(operationNames));
});

const range = (count: number): Uint32Array => Uint32Array.from({ length: count }, (_, i) => i);
const slots: readonly OperationSlot[] = [
  {
    choices: [
      { name: 'rotate', probability: 1, magnitude: 10, signed: true },
      { name: 'invert', probability: 0.5, magnitude: 0 },
      { name: 'equalize', probability: 0, magnitude: 0 },
    ],
    draw: 3,
  },
  {
    choices: [
      { name: 'shear_x', probability: 1, magnitude: 0.1 },
      { name: 'shear_y', probability: 1, magnitude: 0.2 },
      { name: 'brightness', probability: 1, magnitude: 0.3 },
    ],
    draw: 3,
  },
  { choices: [{ name: 'noise', probability: 0.25, magnitude: 0.1 }] },
];
const scheduled: readonly OperationSlot[] = [0, 1].map((number) => ({
  number,
  schedule: () =>
    Array.from({ length: 30 }, (_, i) => ({
      name: operationNames[1 + (i % 18)],
      probability: i / 30,
      magnitude: i,
      signed: i % 2 === 0,
    })),
}));

onEveryAdapter((gpu) => {
  async function draw(all: readonly OperationSlot[], count: number, viewsOfEach = 2, seeds = [1, 0, 3, 0]) {
    const { graph, result } = trace(() => {
      const table = operationTable(all, 0);
      const rows = constant('table', table, [table.length / 4, 4]);
      const options = { slots: all, views: viewsOfEach };
      return {
        drawn: augmentOperations(
          constant('i', range(count)),
          constant('seeds', Uint32Array.from(seeds)),
          rows,
          options,
        ),
      };
    });
    const state = new State(gpu());
    const program = await Program.compile(graph, state, result, { inspect: true });
    const { drawn } = await program.run().read();
    expect(await program.damagedGuards()).toEqual([]);
    program.destroy();
    state.destroy();
    expect(Array.from(drawn)).toEqual(Array.from(interpret(graph).get(result.drawn)!, Math.fround));
    return Array.from({ length: drawn.length / 4 }, (_, i) => Array.from(drawn.subarray(4 * i, 4 * i + 4)));
  }
  const number = (name: OperationName) => operationNames.indexOf(name);

  it.each([1, 33])('%s samples: draws equal the reference', async (count) => {
    await draw(slots, count);
    await draw([...slots, ...scheduled], count, 3);
  });

  it('slots of one draw choose alike, and probabilities and signs are kept', async () => {
    const rows = await draw(slots, 4000);
    const [first, second, third] = [0, 1, 2].map((slot) => rows.filter((_, i) => i % 3 === slot));
    const pairs = new Map<string, number>();
    for (const [i, [operation, magnitude]] of first.entries()) {
      const pair = `${operationNames[operation]} ${Math.sign(magnitude)} ${operationNames[second[i][0]]}`;
      pairs.set(pair, (pairs.get(pair) ?? 0) + 1);
    }
    const expected: Record<string, number> = {
      'rotate 1 shear_x': 1 / 6,
      'rotate -1 shear_x': 1 / 6,
      'invert 0 shear_y': 1 / 6,
      'identity 0 shear_y': 1 / 6,
      'identity 0 brightness': 1 / 3,
    };
    expect([...pairs.keys()].sort()).toEqual(Object.keys(expected).sort());
    for (const [pair, share] of Object.entries(expected)) expect(pairs.get(pair)! / 8000).toBeCloseTo(share, 1.5);
    expect(third.filter(([operation]) => operation === number('noise')).length / 8000).toBeCloseTo(0.25, 1.5);
  });

  it('PBA: 0, 1 or 2 operations, none twice, the likely ones more often', async () => {
    const rows = await draw(scheduled, 4000);
    const chosen = Array.from({ length: 8000 }, (_, i) => rows.slice(2 * i, 2 * i + 2).filter(([o]) => o !== 0));
    for (const [count, share] of [0.2, 0.3, 0.5].entries())
      expect(chosen.filter(({ length }) => length === count).length / 8000, `${count}`).toBeCloseTo(share, 1.5);
    for (const pair of chosen) expect(new Set(pair.map(([, m]) => Math.abs(m))).size).toBe(pair.length);
    const magnitudes = chosen.flat().map(([, m]) => Math.abs(m));
    const often = (low: number) => magnitudes.filter((m) => m >= low && m < low + 10).length;
    expect(often(20)).toBeGreaterThan(often(10));
    expect(often(10)).toBeGreaterThan(often(0));
  });
});
