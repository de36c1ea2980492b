import { expect, it } from 'vitest';
import { trace } from '../../src/graph/trace.ts';
import { columnStd } from '../../src/ops/column_std.ts';
import { l2Normalize } from '../../src/ops/l2_normalize.ts';
import { interpret } from '../reference/interpreter.ts';
import { sample, testCases } from './harness.ts';

/** One row, rows and columns around a part and a workgroup, more parts than one, more rows than parts have at least. */
const shapes = [
  [1, 1],
  [1, 70],
  [2, 3],
  [63, 64],
  [64, 65],
  [65, 1],
  [130, 127],
  [512, 128],
  [5000, 3],
];

testCases([
  ...shapes.map(([rows, columns]) => ({
    name: `column_std [${rows}, ${columns}]`,
    build: () => ({ y: columnStd(sample('x', [rows, columns])) }),
  })),
  {
    name: 'column_std of nearly equal rows, far from zero',
    // Inputs are spaced 6e-8 here; the op takes their differences, which are exact.
    build: () => ({ y: columnStd(sample('x', [200, 16], { scale: 1e-5, offset: 0.5 })) }),
  },
  {
    name: 'column_std of unit vectors',
    build: () => ({ y: columnStd(l2Normalize(sample('x', [300, 128]))) }),
  },
]);

it('of unit vectors in all directions it is about 1/√D, of equal ones 0', () => {
  const std = (scale: number, offset: number) => {
    const { graph, result } = trace(() => columnStd(l2Normalize(sample('x', [400, 64], { scale, offset }))));
    return interpret(graph).get(result)![0];
  };
  expect(std(1, 0) * Math.sqrt(64)).toBeCloseTo(1, 1);
  expect(std(0, 0.3)).toBeLessThan(1e-12);
});
