import { expect, it } from 'vitest';
import { constant, trace, variable } from '../../src/graph/trace.ts';
import { tsneAffinities, tsneGradient, tsneUpdate } from '../../src/ops/tsne.ts';
import { f32, sklearn } from '../analysis/values.ts';
import { interpret } from '../reference/interpreter.ts';
import { type Case, noise, relativeError, sample, testCases } from './harness.ts';

const affinityCase = (name: string, x: Float32Array, rows: number, perplexity: number): Case => {
  const p = variable('p', [rows, rows]);
  return {
    name: `tsne_affinities, ${name}, perplexity ${perplexity}`,
    build() {
      tsneAffinities(constant('x', x, [rows, x.length / rows]), p, { perplexity });
      return {};
    },
    updated: () => ({ p }),
    // β is where the entropy, a sum over the rows in f32, crosses its level: c changes by about as much as β does.
    tolerance: 1e-4,
  };
};

const random = (rows: number, columns: number, perplexity: number, scale = 1): Case =>
  affinityCase(`[${rows}, ${columns}] up to ${scale}`, noise(rows * columns, rows + columns, scale), rows, perplexity);

/** Positive affinities that sum to 1, with zeros among them. */
function affinities(rows: number): Float32Array {
  const raw = noise(rows * rows, rows).map((value, at) => {
    const [i, j] = [Math.floor(at / rows), at % rows];
    return i === j || (i + j) % 5 === 0 ? 0 : Math.abs(value);
  });
  const p = raw.map((value, at) => value + raw[(at % rows) * rows + Math.floor(at / rows)]);
  const total = p.reduce((a, b) => a + b, 0);
  return p.map((value) => value / total);
}

const gradientCase = (rows: number, exaggeration: number, spread: number): Case => ({
  name: `tsne_gradient of ${rows} points within ${spread}, exaggeration ${exaggeration}`,
  build() {
    const y = sample('y', [rows, 2], { scale: spread });
    return {
      ...tsneGradient(constant('p', affinities(rows), [rows, rows]), y, constant('e', Float32Array.of(exaggeration))),
    };
  },
  tolerance: 2e-5,
});

/** The case and the variables that it updates. */
function updateCase(size: number): Case {
  const [y, velocity, gradient] = ['y', 'velocity', 'gradient'].map((name) => sample(name, [size]));
  const gain = sample('gain', [size], { scale: 0.5, offset: 0.5 });
  return {
    name: `tsne_update of ${size} coordinates`,
    build() {
      tsneUpdate(y, velocity, gain, gradient, constant('scalars', Float32Array.of(0.3, 0.8)));
      return {};
    },
    updated: () => ({ y, velocity, gain }),
  };
}

testCases([
  random(5, 3, 2),
  random(64, 1, 10),
  random(65, 20, 30),
  random(257, 7, 30, 100),
  random(40, 5, 5, 1e-3),
  affinityCase(
    'three times the same points',
    Float32Array.from({ length: 45 }, (_, i) => noise(15, 4)[i % 15]),
    15,
    4,
  ),
  gradientCase(3, 1, 1),
  gradientCase(63, 12, 1e-4),
  gradientCase(130, 1, 5),
  gradientCase(259, 4, 40),
  updateCase(1),
  updateCase(131),
]);

const { x, dimensions, perplexity, joint, start, kl, gradient } = sklearn.tsne;
const rows = x.length / dimensions;

it('the definitions are scikit-learn’s: affinities, KL and gradient', () => {
  const p = variable('p', [rows, rows]);
  const { graph, result } = trace(() => {
    tsneAffinities(constant('x', f32(x), [rows, dimensions]), p, { perplexity });
    return tsneGradient(p, constant('y', f32(start), [rows, 2]), constant('e', Float32Array.of(1)));
  });
  const values = interpret(graph);
  const pairs: number[] = [];
  for (let i = 0; i < rows; i++) for (let j = i + 1; j < rows; j++) pairs.push(values.get(p)![i * rows + j]);
  // scikit-learn ends its bisection where the entropy is right to 1e-5, and keeps the affinities in f32.
  expect(relativeError(pairs, joint)).toBeLessThan(1e-4);
  expect(values.get(result.loss)![0]).toBeCloseTo(kl, 4);
  expect(relativeError(values.get(result.gradient)!, gradient)).toBeLessThan(1e-4);
});

it('the gradient is that of KL: central differences of the definition', () => {
  const points = variable('y', [9, 2], () => noise(18, 3));
  const { graph, result } = trace(() =>
    tsneGradient(constant('p', affinities(9), [9, 9]), points, constant('e', Float32Array.of(1))),
  );
  const base = interpret(graph);
  const at = Float64Array.from(noise(18, 3));
  for (let i = 0; i < 18; i++) {
    const loss = (by: number) =>
      interpret(graph, new Map([[points, at.map((value, k) => (k === i ? value + by : value))]])).get(result.loss)![0];
    expect((loss(1e-5) - loss(-1e-5)) / 2e-5).toBeCloseTo(base.get(result.gradient)![i], 6);
  }
});

it('shapes and perplexities that do not fit are refused', () => {
  const points = sample('x', [4, 3]);
  expect(() => trace(() => tsneAffinities(points, sample('p', [4, 3]), { perplexity: 2 }))).toThrow(
    '[tsne_affinities]',
  );
  expect(() => trace(() => tsneAffinities(points, sample('p', [4, 4]), { perplexity: 4 }))).toThrow('at most N − 1');
  expect(() => trace(() => tsneGradient(sample('p', [4, 4]), points, sample('e', [1])))).toThrow('f32 [N, 2]');
});
