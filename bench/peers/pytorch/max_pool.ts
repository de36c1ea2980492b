import type { OpenPeer } from '../../benchmark.ts';
import type { MaxPoolProblem } from '../../cases/max_pool.ts';
import { f32, openTorch } from './implementation.ts';

/** In float16 numbers that differ become equal, in one window of 400 the two largest; its gradient then goes to the other one. */
const coarse = (name: string): number => (name === 'dx' ? 0.15 : 2 ** -10);

const open: OpenPeer<MaxPoolProblem> = (_gpu, { shape, outShape, kernel, stride, padding, x, dy }) =>
  openTorch(
    'max_pool',
    { tensors: { x: f32(x, shape), dy: f32(dy, outShape) }, attributes: { kernel, stride, padding } },
    coarse,
  );

export default open;
