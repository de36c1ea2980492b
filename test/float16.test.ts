import { describe, expect, it } from 'vitest';
import { float16Bits, float16Value, fromFloat16, toFloat16 } from '../src/float16.ts';

describe('binary16', () => {
  it('every value survives the way to bits and back', () => {
    for (let bits = 0; bits < 0x10000; bits++) {
      const value = float16Value(bits);
      if (Number.isNaN(value)) expect(Number.isNaN(float16Value(float16Bits(value)))).toBe(true);
      else if (float16Bits(value) !== bits) expect.fail(`0x${bits.toString(16)} became another`);
    }
  });

  it('what lies between two values goes to the nearer, ties to the even one', () => {
    for (let bits = 0; bits < 0x7bff; bits++) {
      const [low, high] = [float16Value(bits), float16Value(bits + 1)];
      const middle = (low + high) / 2; // exact in f32
      const even = bits % 2 === 0 ? bits : bits + 1;
      const got = [low + (high - low) * 0.25, middle, low + (high - low) * 0.75].map(float16Bits);
      if (got.join() !== [bits, even, bits + 1].join()) expect.fail(`0x${bits.toString(16)}: ${got}`);
    }
  });

  it('knows its limits', () => {
    expect([65504, 65519.9, 65520, -1e9].map(float16Bits)).toEqual([0x7bff, 0x7bff, 0x7c00, 0xfc00]);
    expect(Array.from(fromFloat16(toFloat16([1, -2, 0.5, 2 ** -25, 3e-8])))).toEqual([1, -2, 0.5, 0, 2 ** -24]);
  });
});
