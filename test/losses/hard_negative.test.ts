import { expect, it } from 'vitest';
import type { Tensor } from '../../src/graph/tensor.ts';
import { constant, trace } from '../../src/graph/trace.ts';
import { decoupledNtXent, hardNegativeNtXent } from '../../src/losses/hard_negative.ts';
import { ntXent } from '../../src/losses/nt_xent.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { type Case, noise, sample, testCases, testGradient } from '../ops/harness.ts';
import { values } from './values.ts';

const kinds = [
  { temperature: 0.5, tauPlus: 0.1, beta: 0 },
  { temperature: 0.2, tauPlus: 0.1, beta: 1 },
  { temperature: 0.07, tauPlus: 0, beta: 2 },
];

/** A similarity of up to 1/τ carries an error of about ε/τ, which is the relative error of every exp; β multiplies it. */
const lossCase = (n: number, d: number, options: (typeof kinds)[number]): Case => ({
  name: `hard negatives, N = ${n}, D = ${d}, ${JSON.stringify(options)}`,
  build() {
    const z = sample('z', [2 * n, d]);
    const { loss, accuracy } = hardNegativeNtXent(z, options);
    return { loss, accuracy, dz: gradients(loss, [z], sample('dloss', [1], { offset: 3 }))[0] };
  },
  tolerance: 1e-5 + (8 * 2 ** -23 * (1 + options.beta)) / options.temperature,
});

testCases([
  ...kinds.flatMap((options) => [lossCase(2, 3, options), lossCase(33, 20, options)]),
  {
    name: 'hard negatives at a temperature that a tensor has',
    build() {
      const z = sample('z', [10, 4]);
      const temperature = sample('temperature', [1], { scale: 0.1, offset: 0.4 });
      const { loss } = hardNegativeNtXent(z, { temperature, tauPlus: 0.1, beta: 1 });
      return { loss, dz: gradients(loss, [z])[0] };
    },
  },
  ...[2, 33].map(
    (n): Case => ({
      name: `decoupled, N = ${n}`,
      build() {
        const z = sample('z', [2 * n, 7]);
        const { loss, accuracy } = decoupledNtXent(z, { temperature: 0.2 });
        return { loss, accuracy, dz: gradients(loss, [z])[0] };
      },
    }),
  ),
]);

for (const options of kinds)
  testGradient(`hard negatives ${JSON.stringify(options)}`, () => {
    const z = sample('z', [8, 5]);
    const { loss } = hardNegativeNtXent(z, options);
    const dy = sample('dloss', [1], { offset: 2 });
    return { y: loss, dy, targets: [z], dx: gradients(loss, [z], dy) };
  });

testGradient('decoupled', () => {
  const z = sample('z', [8, 5]);
  const { loss } = decoupledNtXent(z, { temperature: 0.3 });
  const dy = sample('dloss', [1], { offset: 2 });
  return { y: loss, dy, targets: [z], dx: gradients(loss, [z], dy) };
});

it('without weights and without debiasing it is NT-Xent, and so are its accuracy and its gradient', () => {
  for (const temperature of [0.07, 0.5]) {
    const z = sample('z', [14, 6]);
    const of = ({ loss, accuracy }: { loss: Tensor; accuracy: Tensor }) => [loss, accuracy, gradients(loss, [z])[0]];
    const [mine, plain] = [
      values(() => of(hardNegativeNtXent(z, { temperature, tauPlus: 0, beta: 0 }))),
      values(() => of(ntXent(z, { temperature }))),
    ];
    for (const [i, numbers] of mine.entries()) numbers.forEach((value, j) => expect(value).toBeCloseTo(plain[i][j], 9));
  }
});

it('is what its formula says, the bound of the negatives too', () => {
  const [n, d, temperature, tauPlus, beta] = [4, 3, 0.3, 0.4, 0.7];
  const z = noise(2 * n * d, 5);
  const rows = Array.from({ length: 2 * n }, (_, i) => Array.from(z.subarray(i * d, (i + 1) * d)));
  const unit = rows.map((row) => row.map((value) => value / Math.hypot(...row)));
  const s = (i: number, j: number) => unit[i].reduce((sum, value, c) => sum + value * unit[j][c], 0) / temperature;
  let clamped = 0;
  const terms = rows.map((_, i) => {
    const pair = (i + n) % (2 * n);
    const others = [...rows.keys()].filter((j) => j !== i && j !== pair);
    const negatives = others.map((j) => s(i, j));
    const count = negatives.length;
    const weights = negatives.map((x) => Math.exp(beta * x));
    const mean = weights.reduce((a, b) => a + b) / count;
    const r = negatives.reduce((sum, x, j) => sum + weights[j] * Math.exp(x), 0) / mean;
    const debiased = (r - count * tauPlus * Math.exp(s(i, pair))) / (1 - tauPlus);
    const least = count * Math.exp(-1 / temperature);
    if (least > debiased) clamped++;
    return Math.log1p(Math.max(debiased, least) / Math.exp(s(i, pair)));
  });
  const [[loss]] = values(() => [
    hardNegativeNtXent(constant('z', z, [2 * n, d]), { temperature, tauPlus, beta }).loss,
  ]);
  expect(loss).toBeCloseTo(terms.reduce((a, b) => a + b) / terms.length, 6); // τ, τ⁺ and β are f32
  expect(clamped).toBeGreaterThan(0);
  expect(clamped).toBeLessThan(terms.length);
});

it('of equal embeddings it is log(2N − 1), decoupled log(2N − 2); no pair is the most similar', () => {
  const z = constant('z', new Float32Array(24).fill(0.5), [12, 2]);
  for (const options of kinds) {
    const [[loss], [accuracy]] = values(() => {
      const hard = hardNegativeNtXent(z, options);
      return [hard.loss, hard.accuracy];
    });
    expect(loss).toBeCloseTo(Math.log(11), 6);
    expect(accuracy).toBe(0);
  }
  const [[loss]] = values(() => [decoupledNtXent(z, { temperature: 0.1 }).loss]);
  expect(loss).toBeCloseTo(Math.log(10), 6);
});

it('the decoupled loss is NT-Xent without the positive below the line', () => {
  const z = sample('z', [12, 5]);
  const [[decoupled], [plain], lse, positives] = values(() => {
    const xent = ntXent(z, { temperature: 0.5 });
    const { loss, unit } = decoupledNtXent(z, { temperature: 0.5 });
    return [loss, xent.loss, xent.lse, unit];
  });
  const s = (i: number, j: number) => {
    const row = (k: number) => positives.slice(k * 5, k * 5 + 5);
    return row(i).reduce((sum, value, c) => sum + value * row(j)[c], 0) / 0.5;
  };
  const shorter = lse.map((value, i) => Math.log1p(-Math.exp(s(i, (i + 6) % 12) - value)));
  expect(decoupled).toBeCloseTo(plain + shorter.reduce((a, b) => a + b) / 12, 8);
});

it('refuses one pair, shares of 1 and weights below 0', () => {
  const build = (rows: number, given: Partial<(typeof kinds)[number]>) => () =>
    trace(() => hardNegativeNtXent(sample('z', [rows, 3]), { ...kinds[0], ...given }));
  expect(build(2, {})).toThrow('[hard_negative_nt_xent] the input must be a matrix of 2N rows');
  expect(build(4, { tauPlus: 1 })).toThrow('τ⁺ must be 0 or more and below 1, is 1');
  expect(build(4, { beta: -1 })).toThrow('β must be 0 or more, is -1');
  expect(build(4, { temperature: 0 })).toThrow('the temperature must be above 0');
});
