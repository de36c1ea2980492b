/** IEEE binary16 as bits in a Uint16Array: Node 20 has no Float16Array. */

const wordOf = new Uint32Array(1);
const floatOf = new Float32Array(wordOf.buffer);

/** The value of binary16 bits: (−1)^s · 2^(e−15) · (1 + m/1024), subnormal below 2^−14, e = 31 for infinity and NaN. */
export function float16Value(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const mantissa = bits & 0x3ff;
  if (exponent === 0) return sign * mantissa * 2 ** -24;
  if (exponent === 31) return mantissa === 0 ? sign * Infinity : NaN;
  return sign * (1 + mantissa / 1024) * 2 ** (exponent - 15);
}

/** The bits of the binary16 nearest to a number, ties to even; beyond 65,520 infinity. */
export function float16Bits(value: number): number {
  floatOf[0] = value;
  const bits = wordOf[0];
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  // Subnormal: the unit in the last place is 2^−24. Math.round would take ties up.
  if (magnitude < 0x38800000) return sign | roundToEven(Math.abs(floatOf[0]) * 2 ** 24);
  // Normal: 13 mantissa bits go; a carry runs into the exponent, as it should.
  return sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13);
}

function roundToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}

export const fromFloat16 = (bits: Uint16Array): Float32Array => Float32Array.from(bits, float16Value);

export const toFloat16 = (values: ArrayLike<number>): Uint16Array => Uint16Array.from(values, float16Bits);
