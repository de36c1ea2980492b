import { expect, it } from 'vitest';
import type { Tensor } from '../../src/graph/tensor.ts';
import { constant, trace } from '../../src/graph/trace.ts';
import { barlowTwins } from '../../src/losses/barlow_twins.ts';
import { add } from '../../src/ops/add.ts';
import { mul } from '../../src/ops/binary.ts';
import { reshape } from '../../src/ops/reshape.ts';
import { sample, testCases } from '../ops/harness.ts';
import { interpret } from '../reference/interpreter.ts';
import { lossCase, testPairGradient } from './pairs.ts';

const loss = (z1: Tensor, z2: Tensor) => barlowTwins(z1, z2, { redundancyWeight: 0.3 }).loss;

testCases([
  ...[
    [3, 1],
    [7, 5],
    [65, 33],
    [6, 130],
  ].map((shape) => ({ ...lossCase('Barlow Twins', loss, shape), tolerance: 2e-5 })),
  { ...lossCase('Barlow Twins', loss, [7, 5], 'f16'), tolerance: 1e-3 },
]);
testPairGradient('Barlow Twins', loss);

const matrix = (name: string, rows: readonly (readonly number[])[]): Tensor =>
  constant(name, Float32Array.from(rows.flat()), [rows.length, rows[0].length]);

const values = (build: () => Record<string, Tensor>): Record<string, number[]> => {
  const { graph, result } = trace(build);
  const all = interpret(graph);
  return Object.fromEntries(Object.entries(result).map(([name, tensor]) => [name, [...all.get(tensor)!]]));
};

it('of constant embeddings it is D, of equal views whose columns do not correlate 0', () => {
  const terms = (rows: readonly (readonly number[])[]) =>
    values(() => {
      const z = [matrix('z1', rows), matrix('z2', rows)];
      const { correlation, ...rest } = barlowTwins(z[0], z[1], { redundancyWeight: 0.3, eps: 0 });
      return { ...rest, correlation: reshape(correlation, [correlation.size]) };
    });
  const constantRows = values(() => {
    const z = [
      matrix('z1', [
        [5, 5, 5],
        [5, 5, 5],
      ]),
      matrix('z2', [
        [1, 1, 1],
        [1, 1, 1],
      ]),
    ];
    return { loss: loss(z[0], z[1]) };
  });
  expect(constantRows['loss'][0]).toBeCloseTo(3, 10);
  const apart = terms([
    [3, 1],
    [3, -1],
    [-3, 1],
    [-3, -1],
  ]);
  expect(apart['correlation']).toEqual([1, 0, 0, 1]);
  expect([apart['loss'], apart['invariance'], apart['redundancy']]).toEqual([[0], [0], [0]]);
  // Two columns that say the same: each off-diagonal entry is 1.
  const same = terms([
    [3, 1],
    [-3, -1],
  ]);
  expect(same['redundancy']).toEqual([2]);
  expect(same['loss'][0]).toBeCloseTo(0.6, 6);
});

it('does not see where columns lie and how long they are', () => {
  const { one, other } = values(() => {
    const [z1, z2] = [sample('z1', [6, 4]), sample('z2', [6, 4])];
    const lengths = constant('lengths', Float32Array.of(2, 5, 3, 9));
    const measure = (z: Tensor) => barlowTwins(z, z2, { redundancyWeight: 0.3, eps: 0 }).loss;
    return { one: measure(z1), other: measure(add(mul(z1, lengths), 7)) };
  });
  expect(other[0]).toBeCloseTo(one[0], 10);
});

it('refuses views of other sizes, and what is no matrix', () => {
  const traced = (a: Tensor, b: Tensor) => () => trace(() => loss(a, b));
  expect(traced(sample('a', [4, 2]), sample('b', [4, 3]))).toThrow('[barlow_twins] ');
  expect(traced(sample('a', [4]), sample('b', [4]))).toThrow('[barlow_twins] ');
});
