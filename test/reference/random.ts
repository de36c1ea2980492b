import { lowbias32 } from '../values.ts';

/** The same bits as `kernels/lib/random.wgsl`. */
export const mixCounter = (key: number, counter: number): number => lowbias32(((key ^ counter) >>> 0) + 0x9e3779b9);

export const uniform01 = (key: number, draw: number): number => (mixCounter(key, draw) >>> 8) / 2 ** 24;
export const uniformBetween = (key: number, draw: number, low: number, high: number): number =>
  low + uniform01(key, draw) * (high - low);
export const uniformBelow = (key: number, draw: number, n: number): number =>
  Math.floor((mixCounter(key, draw) * n) / 2 ** 32);
