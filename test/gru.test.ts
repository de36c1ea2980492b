/** `Gru` is PyTorch's: values and gradients of torch.nn.GRU(2, 3, batch_first=True) in float64, and that no state sees what comes later. */
import { describe, expect, it } from 'vitest';
import { constant, trace } from '../src/graph/trace.ts';
import { Gru } from '../src/nn/gru.ts';
import type { Mode } from '../src/nn/module.ts';
import { mul } from '../src/ops/binary.ts';
import { gradients } from '../src/ops/gradients.ts';
import { sum } from '../src/ops/reduce.ts';
import { slice } from '../src/ops/strided_copy.ts';
import { type Device, run } from './golden/harness.ts';
import { noise, onEveryAdapter, relativeError } from './ops/harness.ts';
import { interpret } from './reference/interpreter.ts';

const [n, steps, inputs, hidden] = [2, 3, 2, 3];
/** The parameters are numbered as PyTorch names them, 1 to 4; x is 5, and the gradient of y is 6. */
const values = (number: number, size: number) =>
  Float32Array.from({ length: size }, (_, i) => Math.sin(number + 1.7 * i));

const expected: Readonly<Record<string, readonly number[]>> = {
  y: [
    ...[-0.007092133, 0.8076347, -0.4504035, 0.5015565, 0.1684975, -0.7104668, 0.5149479, 0.9181001, -0.8002539],
    ...[0.3632567, -0.2124378, -0.4733621, 0.4130572, 0.8376164, -0.6518357, 0.6874119, 0.2333053, -0.7453389],
  ],
  x: [
    ...[-0.4316667, 0.5618413, -0.4006359, -0.401042, -0.07297155, -0.005571563],
    ...[0.5748257, 0.4418501, 0.2872142, -0.1689307, -0.3507855, 0.8722816],
  ],
  weight_ih_l0: [
    ...[0.03063156, 0.04184694, 0.02536453, -0.1944613, 0.04520551, -0.1243465],
    ...[0.1333196, 0.1019962, 0.07083301, -0.1066301, -0.2191, 0.03119869],
    ...[0.1525502, 0.06682052, -0.3140677, -0.4727655, 0.02914571, 0.6256875],
  ],
  weight_hh_l0: [
    ...[0.01130422, -0.03544323, -0.007344242, 0.06733987, 0.1522642, -0.1118346, 0.009751981, -0.01032939, 0.00103952],
    ...[-0.0208073, 0.282826, -0.1327174, 0.01538877, 0.08617466, -0.03678404, -0.03902991, 0.06098448, 0.03528585],
    ...[0.02742876, -0.04444139, -0.02810132, 0.1635502, 0.3584831, -0.2673739, -0.04620325, 0.3978027, -0.2023038],
  ],
  bias_ih_l0: [
    ...[0.01954767, 0.1692706, 0.104937, -0.09280892, -0.0954957, 0.0449833, -0.003326214, 0.9039835, -0.3863689],
  ],
  bias_hh_l0: [
    ...[0.01954767, 0.1692706, 0.104937, -0.09280892, -0.0954957, 0.0449833, 0.05906119, 0.4735734, -0.2703923],
  ],
};

/** What a device makes of the values, and gradients of Σ y · dy. */
async function results(device: Device, mode: Mode) {
  const gru = new Gru('gru', { inputs, hidden, seed: 1 });
  const parameters = gru.parameters.map(({ tensor }) => tensor);
  const first = new Map(parameters.map((tensor, i) => [tensor, values(i + 1, tensor.size)]));
  const build = () => {
    const x = constant('x', values(5, n * steps * inputs), [n, steps, inputs]);
    const y = gru.forward(x, mode);
    const dx = gradients(y, [x, ...parameters], constant('dy', values(6, y.size), y.shape));
    const names = ['x', ...parameters.map(({ name }) => name.replace('gru.', ''))];
    return { y, ...Object.fromEntries(names.map((name, i) => [name, dx[i]])) };
  };
  return run(device, build, {}, first);
}

function expectPyTorchs(actual: Readonly<Record<string, ArrayLike<number>>>, tolerance: number) {
  expect(Object.keys(actual)).toEqual(Object.keys(expected));
  for (const [name, wanted] of Object.entries(expected))
    expect(relativeError(actual[name], wanted), name).toBeLessThan(tolerance);
}

it('the float64 reference of a GRU has PyTorch’s values and gradients', async () => {
  expectPyTorchs(await results('reference', { training: true }), 1e-6);
});

onEveryAdapter((gpu) => {
  it('has PyTorch’s values and gradients', async () => {
    expectPyTorchs(await results(gpu(), { training: true }), 3e-6);
  });

  it('has about the same in f16', async ({ skip }) => {
    if (!gpu().traits.features.has('shader-f16')) skip('the adapter has no shader-f16');
    expectPyTorchs(await results(gpu(), { training: true, precision: 'f16' }), 1e-2);
  });
});

describe('a GRU', () => {
  it('has PyTorch’s names, shapes and first values', () => {
    const gru = new Gru('context', { inputs: 5, hidden: 16, seed: 1 });
    const names = gru.parameters.map(({ tensor }) => `${tensor.name} ${tensor.shape.join('×')}`);
    expect(names).toEqual([
      ...['context.weight_ih_l0 48×5', 'context.weight_hh_l0 48×16', 'context.bias_ih_l0 48', 'context.bias_hh_l0 48'],
    ]);
    for (const { tensor } of gru.parameters) {
      const drawn = tensor.origin.kind === 'variable' ? [...tensor.origin.init!()] : [];
      const largest = Math.max(...drawn.map(Math.abs));
      expect(largest).toBeLessThan(0.25);
      expect(largest).toBeGreaterThan(0.2);
    }
  });

  it('has states that depend on no later step', () => {
    const gru = new Gru('gru', { inputs: 4, hidden: 5, seed: 2 });
    for (const step of [0, 3, 6]) {
      const { graph, result } = trace(() => {
        const x = constant('x', noise(3 * 7 * 4, 8), [3, 7, 4]);
        const state = slice(gru.forward(x, { training: true }), 1, step, step + 1);
        return gradients(sum(mul(state, state)), [x])[0];
      });
      interpret(graph)
        .get(result)!
        .forEach((value, i) => {
          if (Math.floor(i / 4) % 7 > step) expect(value).toBe(0);
          else expect(value).not.toBe(0);
        });
    }
  });

  it('refuses sequences of another width', () => {
    const gru = new Gru('gru', { inputs: 4, hidden: 5, seed: 2 });
    const refused = () => trace(() => gru.forward(constant('x', noise(24), [2, 4, 3]), { training: true }));
    expect(refused).toThrow('[gru] the input must be [N, T, 4]; got x f32[2, 4, 3]');
  });
});
