import { expect, it } from 'vitest';
import type { Tensor } from '../../src/graph/tensor.ts';
import { constant, trace } from '../../src/graph/trace.ts';
import { ntXent } from '../../src/losses/nt_xent.ts';
import { supCon } from '../../src/losses/sup_con.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { type Case, sample, testCases, testGradient } from '../ops/harness.ts';
import { interpret } from '../reference/interpreter.ts';

const labelsOf = (...labels: number[]) => constant('labels', Uint32Array.from(labels));
const options = { temperature: 0.2 };

testCases(
  [
    [2, 3],
    [7, 5],
    [65, 33],
  ].map(
    ([rows, columns]): Case => ({
      name: `loss and gradient of [${rows}, ${columns}], some rows alone`,
      build() {
        const z = sample('z', [rows, columns]);
        const labels = labelsOf(...Array.from({ length: rows }, (_, i) => (i % 5 === 4 ? 100 + i : i % 3)));
        const loss = supCon(z, labels, options);
        return { loss, dz: gradients(loss, [z])[0] };
      },
    }),
  ),
);

testGradient('SupCon', () => {
  const z = sample('z', [5, 4]);
  const y = supCon(z, labelsOf(0, 1, 0, 0, 2), options);
  const dy = sample('dy', [1], { offset: 2 });
  return { y, dy, targets: [z], dx: gradients(y, [z], dy) };
});

const value = (build: () => Tensor): number => {
  const { graph, result } = trace(build);
  return interpret(graph).get(result)![0];
};

it('with the image as label it is NT-Xent, by float64', () => {
  const z = sample('z', [8, 6]);
  const ofLabels = value(() => supCon(z, labelsOf(0, 1, 2, 3, 0, 1, 2, 3), options));
  expect(ofLabels).toBeCloseTo(
    value(() => ntXent(z, options).loss),
    10,
  );
});

it('of equal embeddings of one class it is log(M − 1); rows without a positive add nothing', () => {
  const z = constant('z', new Float32Array(12).fill(0.5), [6, 2]);
  expect(value(() => supCon(z, labelsOf(4, 4, 4, 4, 4, 4), options))).toBeCloseTo(Math.log(5), 8);
  expect(value(() => supCon(z, labelsOf(4, 4, 0, 1, 2, 3), options))).toBeCloseTo((2 * Math.log(5)) / 6, 8);
  expect(value(() => supCon(z, labelsOf(0, 1, 2, 3, 4, 5), options))).toBeCloseTo(0, 12);
});

it('refuses labels of another number, or in floating point', () => {
  const z = sample('z', [4, 2]);
  expect(() => value(() => supCon(z, labelsOf(1, 2), options))).toThrow('[sup_con] the labels must be one u32');
  expect(() => value(() => supCon(z, sample('labels', [4]), options))).toThrow('[sup_con] ');
});
