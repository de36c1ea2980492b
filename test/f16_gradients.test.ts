/** Flat gradients of weights whose copies are f16: those of f32, to rounding. */
import { expect, it } from 'vitest';
import { Program } from '../src/graph/program.ts';
import { State } from '../src/graph/state.ts';
import type { Tensor } from '../src/graph/tensor.ts';
import { constant, trace } from '../src/graph/trace.ts';
import { Gru } from '../src/nn/gru.ts';
import { Linear } from '../src/nn/layers.ts';
import type { Mode, Module } from '../src/nn/module.ts';
import { TextTransformer } from '../src/nn/text_transformer.ts';
import { TokenHead } from '../src/nn/token_head.ts';
import { Block } from '../src/nn/transformer.ts';
import { cast } from '../src/ops/cast.ts';
import { flatten } from '../src/ops/flatten.ts';
import type { Precision } from '../src/ops/precision.ts';
import { adam } from '../src/optim/adam.ts';
import { TrainedGroup } from '../src/optim/trained_group.ts';
import { noise, onEveryAdapter, sample } from './ops/harness.ts';

interface Network {
  readonly modules: readonly Module[];
  forward(mode: Mode): Tensor;
}

const numbers = (...shape: number[]) =>
  constant(
    'x',
    noise(
      shape.reduce((a, b) => a * b),
      7,
    ),
    shape,
  );

const networks: Record<string, () => Network> = {
  'a linear layer'() {
    const linear = new Linear('linear', 8, 6, 1);
    return {
      modules: [linear],
      forward: ({ precision = 'f32' }) => linear.forward(cast(numbers(5, 8), precision)),
    };
  },
  'a block of a transformer'() {
    const block = new Block('block', { dimensions: 16, heads: 2, seed: 1 });
    return { modules: [block], forward: (mode) => block.forward(numbers(2, 5, 16), mode) };
  },
  'a GRU'() {
    const gru = new Gru('gru', { inputs: 8, hidden: 8, seed: 1 });
    return { modules: [gru], forward: (mode) => gru.forward(numbers(2, 4, 8), mode) };
  },
  'an embedding that is looked up and multiplied with'() {
    const text = new TextTransformer('text', {
      ...{ vocabulary: 12, width: 16, layers: 1, heads: 2, context: 4, pooling: 'mean', seed: 1 },
    });
    const head = new TokenHead('head', text.embedding, 1);
    const ids = constant('ids', Uint32Array.of(1, 5, 7, 2, 1, 11, 2, 0));
    const seen = constant('seen', Float32Array.of(1, 1, 1, 1, 1, 1, 1, 0), [2, 4]);
    const rows = constant('rows', Uint32Array.of(1, 2, 5));
    return { modules: [text, head], forward: (mode) => head.forward(text.tokens(ids, rows, mode, { seen }), mode) };
  },
};

onEveryAdapter((gpu) => {
  it.for(Object.keys(networks))('of %s', async (name, { skip }) => {
    const gradientsIn = async (precision: Precision) => {
      const state = new State(gpu());
      const { modules, forward } = networks[name]();
      const parameters = modules.flatMap((module) => module.parameters);
      const group = new TrainedGroup(name, parameters, { precision, optimizer: (weights) => adam(weights) });
      const { graph, result } = trace(() => {
        const y = forward({ training: true, precision });
        return { flat: group.gradientsOf(y, constant('dy', noise(y.size, 11), y.shape)) };
      });
      const program = await Program.compile(graph, state, result);
      const { flat } = await program.run().read();
      const parts = parameters.map(({ tensor: { name, flat: place, size } }) => ({
        name,
        values: flat.slice(place!.offset, place!.offset + size),
      }));
      program.destroy();
      state.destroy();
      return parts;
    };
    if (!gpu().traits.features.has('shader-f16')) skip('the adapter has no shader-f16');
    const [whole, half] = [await gradientsIn('f32'), await gradientsIn('f16')];
    const size = (values: ArrayLike<number>) => Math.hypot(...Array.from(values));
    // Compared with the largest, as a gradient that should be 0, such as that of the keys' bias, is rounding.
    const largest = Math.max(...whole.map(({ values }) => size(values)));
    whole.forEach(({ name, values }, i) => {
      const off = size(Array.from(values, (value, k) => value - half[i].values[k]));
      expect(off, name).toBeLessThan(0.01 * size(values) + 0.001 * largest);
    });
  });
});

it('what is no f32 is not laid flat', () => {
  expect(() => trace(() => flatten([sample('a', [3]), sample('b', [3], { dtype: 'f16' })]))).toThrow(
    '[flatten] all must be f32',
  );
});
