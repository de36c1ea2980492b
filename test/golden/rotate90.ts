import { expect } from 'vitest';
import { rot90 } from '../../src/ops/rearrange.ts';
import { concat } from '../../src/ops/strided_copy.ts';
import { channelsLast, expectClose, type GoldenCheck, run, tensorOf } from './harness.ts';

const check: GoldenCheck = async (file, device) => {
  const images = channelsLast(file.get('x'));
  const { y } = await run(device, () => {
    const x = tensorOf('x', images);
    return {
      y: concat(
        [0, 1, 2, 3].map((quarters) => rot90(x, quarters)),
        0,
      ),
    };
  });
  expectClose('y', y, channelsLast(file.get('y')), 0);
  // All images by each number of quarters, which is their class.
  const [n] = images.shape;
  expect([...file.get('labels').data]).toEqual(Array.from({ length: 4 * n }, (_, i) => Math.floor(i / n)));
  return undefined;
};

export default check;
