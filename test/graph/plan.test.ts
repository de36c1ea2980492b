import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { DeviceTraits } from '../../src/gpu/device.ts';
import type { Allocation } from '../../src/graph/layout.ts';
import { plan } from '../../src/graph/plan.ts';
import { Program } from '../../src/graph/program.ts';
import { State } from '../../src/graph/state.ts';
import { byteLength, type Tensor } from '../../src/graph/tensor.ts';
import { apply, constant, input, trace, variable } from '../../src/graph/trace.ts';
import { add } from '../../src/ops/add.ts';
import { flatten, flattenOp } from '../../src/ops/flatten.ts';
import { relu } from '../../src/ops/relu.ts';
import { reshape } from '../../src/ops/reshape.ts';
import { onEveryAdapter, relativeError } from '../ops/harness.ts';
import { interpret } from '../reference/interpreter.ts';
import { build, type Recipe, recipes } from './random_graph.ts';

const traits: DeviceTraits = {
  adapter: 'test',
  vendor: '',
  software: true,
  subgroupMinSize: 4,
  subgroupMaxSize: 128,
  matrixConfigs: [],
  features: new Set(),
  limits: { maxStorageBufferBindingSize: 2 ** 27 },
};

const planOf = (make: () => Tensor[], inspect = false) => {
  const { graph, result } = trace(make);
  return plan(graph, result, traits, { inspect });
};

const overlap = (a: Allocation, b: Allocation) => a.first <= b.last && b.first <= a.last;

it('no two allocations that are alive at one launch share a buffer, and every allocation fits into its buffer', () => {
  fc.assert(
    fc.property(recipes, (recipe: Recipe) => {
      const planned = planOf(() => Object.values(build(recipe).outputs));
      for (const [i, allocation] of planned.allocations.entries()) {
        expect(planned.bufferSizes[allocation.buffer]).toBeGreaterThanOrEqual(allocation.bytes);
        for (const other of planned.allocations.slice(0, i))
          if (overlap(allocation, other)) expect(allocation.buffer).not.toBe(other.buffer);
      }
    }),
    { numRuns: 300, seed: 1 },
  );
});

it('no launch reads a buffer that it writes, but for variables that an op updates', () => {
  fc.assert(
    fc.property(recipes, (recipe: Recipe) => {
      const planned = planOf(() => Object.values(build(recipe).outputs));
      for (const { kernel, bindings, label } of planned.launches) {
        const bound = kernel.bindings
          .filter(({ access }) => access !== 'uniform')
          .map(({ name, access }) => ({ access, root: planned.placement(bindings[name]).root }))
          .map(({ access, root }) => ({ access, buffer: 'buffer' in root ? root.buffer : root }));
        const written = bound.filter(({ access }) => access === 'read_write').map(({ buffer }) => buffer);
        for (const buffer of written)
          expect(
            bound.filter((one) => one.buffer === buffer),
            label,
          ).toHaveLength(1);
      }
    }),
    { numRuns: 100, seed: 2 },
  );
});

onEveryAdapter((gpu) => {
  it('shared memory and memory of its own for every tensor give the same bits, those of the reference', async () => {
    const run = async (recipe: Recipe, inspect: boolean) => {
      const { graph, result } = trace(() => build(recipe));
      const state = new State(gpu());
      const program = await Program.compile(graph, state, result.outputs, { inspect });
      const values = await program.run().read();
      const updated = await Promise.all(result.updated.map((tensor) => state.read(tensor)));
      const expected = interpret(graph);
      for (const [name, tensor] of Object.entries(result.outputs)) {
        const error = relativeError(values[name], expected.get(tensor) ?? first(tensor));
        expect(error, name).toBeLessThan(1e-4); // up to five batch norms of rows that differ little, one after another
      }
      program.destroy();
      state.destroy();
      return [values, updated];
    };
    await fc.assert(
      fc.asyncProperty(recipes, async (recipe) => {
        expect(await run(recipe, false)).toEqual(await run(recipe, true));
      }),
      { numRuns: 40, seed: 3 },
    );
  });
});

/** The value of a leaf that is an output and that no node reads. */
function first({ origin }: Tensor): Float64Array {
  if (origin.kind !== 'variable') throw new Error('no variable');
  return Float64Array.from(origin.init!());
}

const x = input('x', [100], 'f32');

it('a chain of any length takes two buffers, and its output stays in one', () => {
  const planned = planOf(() => {
    let y = x;
    for (let i = 0; i < 9; i++) y = relu(y);
    return [y];
  });
  expect(planned.launches).toHaveLength(9);
  expect(planned.bufferSizes).toEqual([400, 400]);
  expect(planned.allocations.at(-1)!.last).toBe(planned.launches.length);
});

it('a buffer grows to the largest allocation that lies in it, and inspect gives every allocation its own', () => {
  const make = () => [2, 3, 5].map((n) => relu(relu(relu(input(`x${n}`, [n * 100], 'f32')))));
  const bytes = (inspect: boolean) => planOf(make, inspect).bufferSizes.reduce((sum, size) => sum + size, 0);
  expect(bytes(true)).toBe(3 * 4 * 1000);
  expect(bytes(false)).toBeLessThan(bytes(true));
});

it('nodes that nothing needs are dropped', () => {
  const planned = planOf(() => {
    relu(add(x, x));
    const y = relu(x);
    add(y, y);
    return [y];
  });
  expect(planned.nodes.map(({ label }) => label)).toEqual(['relu']);
  expect(planned.leaves).toEqual([x]);
});

it('views take no memory and keep what they show alive', () => {
  const planned = planOf(() => {
    const view = reshape(reshape(relu(x), [10, 10]), [100]);
    return [add(relu(relu(relu(x))), view)];
  });
  const shown = planned.allocations[0];
  expect(planned.allocations).toHaveLength(5);
  expect(shown.last).toBe(planned.launches.length - 1);
});

it('an output that is a leaf needs no launch', () => {
  const w = variable('w', [4]);
  const c = constant('c', Float32Array.of(1));
  const planned = planOf(() => [w, c, reshape(w, [2, 2])]);
  expect(planned.launches).toEqual([]);
  expect(planned.leaves).toEqual([w, c]);
});

it('flatten has its inputs written in place, each at a multiple of 2 KiB', () => {
  const tensors: Tensor[] = [];
  const planned = planOf(() => {
    tensors.push(relu(x), relu(input('y', [3], 'f32')), relu(input('z', [513], 'f32')));
    return [flatten(tensors)];
  });
  expect(tensors.map((tensor) => planned.placement(tensor).offset)).toEqual([0, 2048, 4096]);
  expect(planned.allocations).toHaveLength(1);
  expect(planned.bufferSizes).toEqual([(512 + 512 + 1024) * 4]);
  expect(tensors.map(byteLength)).toEqual([400, 12, 2052]);
});

const unwritable: [string, number, () => readonly Tensor[]][] = [
  ['a leaf', 1, () => [x]],
  ['a view', 1, () => [reshape(relu(x), [10, 10])]],
  [
    'a tensor that is there already',
    2,
    () => {
      const y = relu(x);
      return [y, y];
    },
  ],
];

it.each(unwritable)('a plan does not flatten %s, which flatten copies', (_name, count, make) => {
  const refused = () => planOf(() => [apply(flattenOp, make(), null)[0]]);
  expect(refused).toThrow('flatten: ');
  expect(refused).toThrow('cannot be written directly into a flat buffer');
  const copies = planOf(() => [flatten(make())]).nodes.filter(({ op }) => op.name === 'permute');
  expect(copies).toHaveLength(count);
});

it('a tensor above what the device binds is refused before anything is allocated, with op, shape and remedy', () => {
  const { graph, result } = trace(() => ({ y: relu(variable('x', [2 ** 13, 2 ** 13])) }));
  expect(() => plan(graph, [result.y], traits)).toThrow(
    /^relu \[8192,8192\]: 'x' is 256 MiB, but 'test' binds at most 128 MiB; use a smaller --batch-size, .* or micro-batches \(--micro-batch\)$/,
  );
});
