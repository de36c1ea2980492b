import { describe, expect, it } from 'vitest';
import type { Gpu } from '../../src/gpu/device.ts';
import type { VariantSelector } from '../../src/graph/plan.ts';
import { Program } from '../../src/graph/program.ts';
import { State } from '../../src/graph/state.ts';
import { constant, trace, variable } from '../../src/graph/trace.ts';
import { ntXent } from '../../src/losses/nt_xent.ts';
import { gradients } from '../../src/ops/gradients.ts';

import { type Case, noise, onEveryAdapter, sample, testCases, testGradient } from '../ops/harness.ts';

/**
 * A similarity of up to 1/τ carries an error of about ε/τ, which is the relative error of every exp(s): 8 ε/τ, and 1e-5 for the
 * sums over the columns.
 */
const toleranceOf = (temperature: number) => 1e-5 + (8 * 2 ** -23) / temperature;

const lossCase = (n: number, d: number, temperature: number, scale = 1): Case => ({
  name: `nt_xent N = ${n}, D = ${d}, τ = ${temperature}, |z| up to ${scale}`,
  build() {
    const z = sample('z', [2 * n, d], { scale });
    const { loss, accuracy, lse } = ntXent(z, { temperature });
    const [dz] = gradients(loss, [z], sample('dloss', [1], { offset: 3 }));
    // Two rows have loss and gradient 0 but for rounding, rows of one element gradient 0 and ties: judged below.
    return { lse, ...(n > 1 && { loss }), ...(n > 1 && d > 1 && { accuracy, dz }) };
  },
  tolerance: toleranceOf(temperature),
});

// Around the tiles of 64 rows × 8 or 16 columns, one slice and more, dimensions that are no whole vec4s.
const cases: Case[] = [
  {
    name: 'nt_xent at a temperature that a tensor has',
    build() {
      const z = sample('z', [14, 5]);
      const { loss } = ntXent(z, { temperature: sample('temperature', [1], { scale: 0.1, offset: 0.4 }) });
      return { loss, dz: gradients(loss, [z])[0] };
    },
  },
  ...[1, 2, 3, 8, 33, 64, 127].flatMap((n) => [1, 4, 7, 64, 128].map((d) => lossCase(n, d, 0.5))),
  ...[0.01, 0.07, 0.1, 1, 10].map((temperature) => lossCase(33, 64, temperature)),
  lossCase(5, 3, 0.5, 1e4),
  lossCase(5, 3, 0.5, 1e-4),
  lossCase(600, 16, 0.2),
];
testCases(
  cases.map((item) => ({ ...item, feature: 'subgroups' })),
  { variant: 'subgroup' },
);
testCases(cases, { variant: 'portable' });

testGradient('nt_xent', () => {
  const z = sample('z', [6, 5]);
  const { loss } = ntXent(z, { temperature: 0.3 });
  const dy = sample('dloss', [1], { offset: 2 });
  return { y: loss, dy, targets: [z], dx: gradients(loss, [z], dy) };
});

/** Loss, accuracy and gradient of given embeddings [rows, columns], by this variant where the device has it. */
async function evaluate(gpu: Gpu, variant: string, z: Float32Array, rows: number, temperature: number) {
  const { graph, result } = trace(() => {
    const embeddings = variable('z', [rows, z.length / rows], () => z);
    const { loss, accuracy } = ntXent(embeddings, { temperature });
    const [dz] = gradients(loss, [embeddings], constant('one', Float32Array.of(1)));
    return { loss, accuracy, dz };
  });
  const state = new State(gpu);
  const selectVariant: VariantSelector = (_node, names) => names.find((name) => name === variant);
  const program = await Program.compile(graph, state, result, { selectVariant });
  const values = await program.run().read();
  const again = await program.run().read();
  program.destroy();
  state.destroy();
  expect(again, 'two runs are equal bit for bit').toEqual(values);
  return { loss: values.loss[0], accuracy: values.accuracy[0], dz: values.dz as Float32Array };
}

const largest = (values: Float32Array) => values.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
const rowsOf = (z: Float32Array, columns: number) =>
  Array.from({ length: z.length / columns }, (_, r) => z.subarray(r * columns, (r + 1) * columns));
const joined = (rows: readonly Float32Array[]) => Float32Array.from(rows.flatMap((row) => [...row]));

onEveryAdapter((gpu) => {
  describe.each(['subgroup', 'portable'])('variant %s', (variant) => {
    it('equal embeddings: log(2N − 1), no gradient; of equals the first is the answer', async () => {
      for (const n of [2, 8, 64, 128, 256]) {
        const row = noise(32, 5);
        const { loss, accuracy, dz } = await evaluate(gpu(), variant, joined(Array(2 * n).fill(row)), 2 * n, 0.5);
        expect(Math.abs(loss - Math.log(2 * n - 1))).toBeLessThan(1e-6);
        expect(largest(dz)).toBeLessThan(1e-6);
        expect(accuracy).toBeCloseTo(1 / (2 * n), 6); // row N alone: its positive, row 0, is the first of all
      }
    });

    it('of equals that lie tiles apart the first is the answer', async () => {
      const n = 256;
      // Rows i, i + N and i + 3N/2 are equal for i < N/2, the others like nobody: the first two find each other first.
      const place = (row: number) => (row < n ? row : row % (n / 2));
      const z = Float32Array.from({ length: 2 * n * n }, (_, i) => (place(Math.floor(i / n)) === i % n ? 1 : 0));
      const { accuracy } = await evaluate(gpu(), variant, z, 2 * n, 0.5);
      expect(accuracy).toBe(0.5);
    });

    it('two samples at right angles', async () => {
      const z = Float32Array.of(1, 0, 0, 1, 1, 0, 0, 1);
      for (const [temperature, expected] of [
        [0.5, 0.2395448],
        [1, 0.5514447],
        [0.1, 9.0796e-5],
      ]) {
        const { loss, accuracy } = await evaluate(gpu(), variant, z, 4, temperature);
        expect(Math.abs(loss - expected)).toBeLessThan(1e-6);
        expect(accuracy).toBe(1);
      }
    });

    it('positives aligned, negatives orthogonal: log(1 + (2N − 2) exp(−1/τ))', async () => {
      const n = 64;
      const z = Float32Array.from({ length: 2 * n * n }, (_, i) => (Math.floor(i / n) % n === i % n ? 2 : 0));
      for (const temperature of [0.5, 0.1, 0.07]) {
        const { loss } = await evaluate(gpu(), variant, z, 2 * n, temperature);
        expect(loss).toBeCloseTo(Math.log1p((2 * n - 2) * Math.exp(-1 / temperature)), 5);
      }
    });

    it('one pair: nothing to lose', async () => {
      for (const temperature of [0.01, 0.5]) {
        const { loss, accuracy, dz } = await evaluate(gpu(), variant, noise(2 * 7, 3), 2, temperature);
        expect(Math.abs(loss)).toBeLessThan(1e-5);
        expect(largest(dz)).toBeLessThan(1e-6 / temperature);
        expect(accuracy).toBe(1);
      }
    });

    it('one pair of opposite views at a low temperature: what fills a tile up does not overflow', async () => {
      const { loss, dz } = await evaluate(gpu(), variant, Float32Array.of(1, 2, -1, -2), 2, 0.01);
      expect(Math.abs(loss)).toBeLessThan(1e-4);
      expect(largest(dz)).toBeLessThan(1e-4);
    });

    it('z·dz = 0 for every row, and the length of z does not matter', async () => {
      const [n, d] = [33, 20];
      const z = noise(2 * n * d, 7);
      const { loss, dz } = await evaluate(gpu(), variant, z, 2 * n, 0.1);
      const gradientRows = rowsOf(dz, d);
      rowsOf(z, d).forEach((row, r) => {
        const along = row.reduce((sum, value, i) => sum + value * gradientRows[r][i], 0);
        expect(Math.abs(along)).toBeLessThan(1e-5 * largest(dz) * d);
      });
      const longer = await evaluate(
        gpu(),
        variant,
        z.map((value) => value * 3),
        2 * n,
        0.1,
      );
      expect(longer.loss).toBeCloseTo(loss, 4);
      longer.dz.forEach((value, i) => expect(Math.abs(3 * value - dz[i])).toBeLessThan(1e-5 * largest(dz)));
    });

    it('the order of samples and of views is free', async () => {
      const [n, d] = [17, 12];
      const rows = rowsOf(noise(2 * n * d, 9), d);
      const order = Array.from({ length: n }, (_, i) => (i * 5) % n);
      const swapped = [...order.map((i) => i + n), ...order];
      const base = await evaluate(gpu(), variant, joined(rows), 2 * n, 0.2);
      const other = await evaluate(gpu(), variant, joined(swapped.map((i) => rows[i])), 2 * n, 0.2);
      expect(other.loss).toBeCloseTo(base.loss, 5);
      expect(other.accuracy).toBe(base.accuracy);
      const expected = joined(swapped.map((i) => rowsOf(base.dz, d)[i]));
      other.dz.forEach((value, i) => expect(Math.abs(value - expected[i])).toBeLessThan(1e-5 * largest(expected)));
    });
  });
});

it('nt_xent refuses an odd number of rows and a temperature of 0', () => {
  expect(() => trace(() => ntXent(sample('z', [3, 4]), { temperature: 0.5 }))).toThrow('[nt_xent] the input must be');
  expect(() => trace(() => ntXent(sample('z', [4, 4]), { temperature: 0 }))).toThrow('the temperature must be above 0');
});
