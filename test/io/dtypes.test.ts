import { describe, expect, it } from 'vitest';
import { elementCount, toFloat32 } from '../../src/io/dtypes.ts';

const u16 = (...bits: number[]) => Uint16Array.from(bits);

describe('toFloat32', () => {
  it('widens F16 exactly: signs, subnormals, extremes, infinities, NaN', () => {
    const bits = u16(0x0000, 0x8000, 0x3c00, 0xc000, 0x0001, 0x03ff, 0x0400, 0x7bff, 0x7c00, 0xfc00, 0x7e00, 0x3555);
    const values = [0, -0, 1, -2, 2 ** -24, 1023 * 2 ** -24, 2 ** -14, 65504, Infinity, -Infinity, NaN, 0.333251953125];
    expect([...toFloat32({ dtype: 'F16', data: bits })]).toEqual(values);
  });

  it('widens BF16 exactly', () => {
    const bits = u16(0x0000, 0x8000, 0x3f80, 0xc000, 0x7f80, 0xff80, 0x7fc0, 0x3eab, 0x0001);
    const values = [0, -0, 1, -2, Infinity, -Infinity, NaN, 0.333984375, 2 ** -133];
    expect([...toFloat32({ dtype: 'BF16', data: bits })]).toEqual(values);
  });

  it('rounds F64 and integers, and turns BOOL into 0 and 1', () => {
    expect([...toFloat32({ dtype: 'F64', data: Float64Array.of(0.1, 1e300) })]).toEqual([Math.fround(0.1), Infinity]);
    expect([...toFloat32({ dtype: 'I64', data: BigInt64Array.of(-5n, 2n ** 60n) })]).toEqual([-5, 2 ** 60]);
    expect([...toFloat32({ dtype: 'I32', data: Int32Array.of(-5, 16777217) })]).toEqual([-5, 16777216]);
    expect([...toFloat32({ dtype: 'U8', data: Uint8Array.of(0, 1, 2) })]).toEqual([0, 1, 2]);
    expect([...toFloat32({ dtype: 'BOOL', data: Uint8Array.of(0, 1, 2) })]).toEqual([0, 1, 1]);
  });

  it('returns F32 without a copy', () => {
    const data = Float32Array.of(1, 2);
    expect(toFloat32({ dtype: 'F32', data })).toBe(data);
  });
});

describe('elementCount', () => {
  it.each([
    [[], 1],
    [[3], 3],
    [[2, 3, 5], 30],
    [[2, 0, 5], 0],
    [[2 ** 53 - 1], 2 ** 53 - 1],
    [[2 ** 27, 2 ** 27], undefined],
    [[0, 2 ** 60], undefined],
    [[-1], undefined],
    [[1.5], undefined],
    [[NaN], undefined],
    [['3'], undefined],
    [[null], undefined],
  ])('of %j is %s', (shape, count) => {
    expect(elementCount(shape)).toBe(count);
  });
});
