import { expect } from 'vitest';
import { fourTurns } from '../../src/methods/rotation.ts';
import { channelsLast, expectClose, type GoldenCheck, run, tensorOf } from './harness.ts';

const check: GoldenCheck = async (file, device) => {
  const images = channelsLast(file.get('x'));
  const { y } = await run(device, () => ({ y: fourTurns(tensorOf('x', images)) }));
  expectClose('y', y, channelsLast(file.get('y')), 0);
  // All images by each number of quarters, which is their class.
  const [n] = images.shape;
  expect([...file.get('labels').data]).toEqual(Array.from({ length: 4 * n }, (_, i) => Math.floor(i / n)));
  return undefined;
};

export default check;
