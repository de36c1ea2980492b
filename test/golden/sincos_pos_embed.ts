import { expect } from 'vitest';
import { sinCosPositions } from '../../src/nn/positions.ts';
import { expectClose, type GoldenCheck } from './harness.ts';

const check: GoldenCheck = async (file) => {
  const grid = file.get('grid').data[0];
  const [dimensions, expected] = [file.number('dim'), file.get('pos_embed')];
  expect(expected.shape).toEqual([1 + grid * grid, dimensions]);
  const places = sinCosPositions(grid, dimensions);
  expectClose('pos_embed', [...new Float32Array(dimensions), ...places], expected, 1e-6);
  return undefined;
};

export default check;
