import { expect, it } from 'vitest';
import { Program } from '../../src/graph/program.ts';
import { State } from '../../src/graph/state.ts';
import type { Shape, Tensor } from '../../src/graph/tensor.ts';
import { constant, input, trace, variable } from '../../src/graph/trace.ts';
import { amax } from '../../src/ops/amax.ts';
import { flatten } from '../../src/ops/flatten.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { expand, mean, type ReducedAxes, sum, sumTo } from '../../src/ops/reduce.ts';
import { type Case, noise, onEveryAdapter, sample, testCases, testGradient } from './harness.ts';

const functions = { sum, mean, amax };
const names = Object.keys(functions) as (keyof typeof functions)[];

/** Around 64 elements, where an axis is first cut into parts, around two parts and many, with and without axes on either side. */
const reductions: readonly (readonly [shape: Shape, axis: ReducedAxes])[] = [
  [[1], 0],
  [[7], undefined],
  ...[63, 64, 65, 129, 4099].map((size) => [[size], 0] as const),
  [[3, 65, 5], 1],
  [[3, 65, 5], -1],
  [[3, 65, 5], 0],
  [[65, 67], 1],
  [[67, 65], 0],
  [
    [2, 3, 5, 7],
    [1, 2],
  ],
  [
    [2, 11, 13, 3],
    [-3, -2],
  ],
  [[2, 3, 5, 7], undefined],
];

const reduceCase = (
  name: keyof typeof functions,
  [shape, axis]: (typeof reductions)[number],
  keepdim: boolean,
  dtype: 'f32' | 'f16',
): Case => ({
  name: `${name} of [${shape}] along ${axis ?? 'all'}${keepdim ? ', kept' : ''}, and its gradient, ${dtype}`,
  ...(dtype === 'f16' && { feature: 'shader-f16' }),
  build() {
    const x = sample('x', shape, { dtype, offset: 0.5 });
    const y = functions[name](x, axis, { keepdim });
    const [dx] = gradients(y, [x], sample('dy', y.shape, { dtype }));
    return { y, dx };
  },
  tolerance: 3e-6,
});

testCases([
  ...names.flatMap((name) => reductions.map((of) => reduceCase(name, of, false, 'f32'))),
  ...names.flatMap((name) => reductions.slice(5, 12).map((of) => reduceCase(name, of, false, 'f16'))),
  ...names.map((name) => reduceCase(name, [[3, 65, 5], 1], true, 'f32')),
  ...names.map((name) => reduceCase(name, [[5, 3], undefined], true, 'f32')),
  {
    name: 'elements that are equally large share the gradient of amax',
    build() {
      const x = constant('x', Float32Array.of(1, 3, 3, -2, -2, -5), [2, 3]);
      const y = amax(x, 1);
      return { y, dx: gradients(y, [x], sample('dy', [2]))[0] };
    },
  },
  {
    name: 'expand and its gradient',
    build() {
      const x = sample('x', [3, 1, 65, 1]);
      const y = expand(x, [2, 3, 4, 65, 5]);
      return { y, dx: gradients(y, [x], sample('dy', y.shape))[0] };
    },
  },
  {
    name: 'sums to smaller shapes',
    build() {
      const x = sample('x', [2, 3, 4, 5]);
      const shapes = [[1], [5], [4, 1], [3, 1, 5], [2, 1, 4, 1], [1, 3, 1, 1], [1, 1, 4, 5], [2, 3, 4, 5]];
      return Object.fromEntries(shapes.map((shape) => [`[${shape}]`, sumTo(x, shape)]));
    },
  },
  {
    name: 'a gradient that is summed to a shape with axes of 1 is written into a flat buffer',
    build() {
      const x = sample('x', [1, 5, 3]);
      const [dx] = gradients(expand(x, [7, 5, 3]), [x], sample('dy', [7, 5, 3]));
      return { flat: flatten([dx]) };
    },
  },
]);

for (const name of names) {
  testGradient(`${name} along an axis`, () => {
    const x = sample('x', [3, 4, 2], { seed: 6 });
    const y = functions[name](x, 1);
    const dy = sample('dy', y.shape);
    return { y, dy, targets: [x], dx: gradients(y, [x], dy) };
  });
}

testGradient('expand', () => {
  const x = sample('x', [3, 1]);
  const y = expand(x, [2, 3, 4]);
  const dy = sample('dy', y.shape);
  return { y, dy, targets: [x], dx: gradients(y, [x], dy) };
});

/** The sum of rows in f32 in the order in which biases' gradients have always been summed: parts of about √rows, at least 64. */
function sumInParts(x: Float32Array, rows: number, columns: number): Float32Array {
  const part = Math.max(64, Math.ceil(Math.sqrt(rows)));
  const partial = Array.from({ length: Math.ceil(rows / part) }, (_, p) =>
    x.subarray(p * part * columns, (p + 1) * part * columns),
  );
  const added = (values: Float32Array) => {
    const sums = new Float32Array(columns);
    values.forEach((value, i) => {
      sums[i % columns] += value;
    });
    return sums;
  };
  return partial.length === 1 ? added(x) : added(Float32Array.from(partial.flatMap((rows) => [...added(rows)])));
}

onEveryAdapter((gpu) => {
  it.each([
    [1, 3],
    [64, 5],
    [1000, 7],
    [5000, 3],
  ])('sums of the columns of [%d, %d] are added in one order', async (rows, columns) => {
    const values = noise(rows * columns);
    const { graph, result } = trace(() => ({
      y: sum(
        variable('x', [rows, columns], () => values),
        0,
      ),
    }));
    const state = new State(gpu());
    const program = await Program.compile(graph, state, result);
    expect((await program.run().read())['y']).toEqual(sumInParts(values, rows, columns));
    program.destroy();
    state.destroy();
  });
});

const refused = (build: () => Tensor) => expect(() => trace(build));

it('reductions refuse axes that are not there or not neighbours, and integers', () => {
  const x = input('x', [2, 3, 4], 'f32');
  refused(() => sum(x, 3)).toThrow('[sum] there is no axis 3; got x f32[2, 3, 4]');
  refused(() => mean(x, [0, 2])).toThrow('[mean] axes [0,2] must be neighbours');
  refused(() => amax(x, [1, 1])).toThrow('[amax] axes [1,1] must be neighbours, each once');
  refused(() => sum(input('i', [2], 'u32'))).toThrow('[sum] the input must be f32 or f16');
  refused(() => expand(x, [2, 3, 5])).toThrow('[expand] the input must broadcast to [2,3,5]');
});
