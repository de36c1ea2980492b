/**
 * Element types of stored arrays, under the names of the safetensors format. F16 and BF16 have no typed array in Node 20: their
 * bits are kept in a `Uint16Array` and `toFloat32` widens them. All files are little-endian, as is every machine WebGPU runs on.
 */
import { fromFloat16 } from '../float16.ts';

/** Size in bytes and in-memory array of each dtype. */
export const DTYPES = {
  F64: { bytes: 8, array: Float64Array },
  F32: { bytes: 4, array: Float32Array },
  F16: { bytes: 2, array: Uint16Array },
  BF16: { bytes: 2, array: Uint16Array },
  I64: { bytes: 8, array: BigInt64Array },
  U64: { bytes: 8, array: BigUint64Array },
  I32: { bytes: 4, array: Int32Array },
  U32: { bytes: 4, array: Uint32Array },
  I16: { bytes: 2, array: Int16Array },
  U16: { bytes: 2, array: Uint16Array },
  I8: { bytes: 1, array: Int8Array },
  U8: { bytes: 1, array: Uint8Array },
  BOOL: { bytes: 1, array: Uint8Array },
} as const;

export type Dtype = keyof typeof DTYPES;

export type TypedArray =
  | Float64Array
  | Float32Array
  | BigInt64Array
  | BigUint64Array
  | Int32Array
  | Uint32Array
  | Int16Array
  | Uint16Array
  | Int8Array
  | Uint8Array;

/** A dense array in C order. */
export interface StoredTensor {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly data: TypedArray;
}

/** True for the name of a dtype this project reads and writes. */
export const isDtype = (name: unknown): name is Dtype => typeof name === 'string' && Object.hasOwn(DTYPES, name);

/** True for a count or a position: an integer from 0 to 2^53. */
export const isSize = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

/** Product of the dimensions; undefined where a dimension is no size, or the product passes 2^53. */
export function elementCount(shape: readonly unknown[]): number | undefined {
  let count = 1;
  for (const size of shape) {
    if (!isSize(size) || !isSize(count * size)) return undefined;
    count *= size;
  }
  return count;
}

/** The memory of a typed array as bytes, without a copy. */
export const bytesOf = (array: TypedArray): Uint8Array =>
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

/** A zeroed array of `count` elements. The RangeError of a size no machine has is the caller's to explain. */
export const allocate = (dtype: Dtype, count: number): TypedArray => new DTYPES[dtype].array(count);

/**
 * The values of a tensor as f32, rounded to nearest; a copy, except for F32, which is returned as it is.
 * Integers beyond 2^24 lose their low digits; a BOOL becomes 0 or 1.
 */
export function toFloat32(tensor: Pick<StoredTensor, 'dtype' | 'data'>): Float32Array {
  const { dtype, data } = tensor;
  if (data instanceof Float32Array) return data;
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) return Float32Array.from(data, Number);
  switch (dtype) {
    case 'F16':
      return fromFloat16(data as Uint16Array);
    case 'BF16':
      return widenBfloat16(data as Uint16Array);
    case 'BOOL':
      return Float32Array.from(data, (value) => (value === 0 ? 0 : 1));
    default:
      return Float32Array.from(data);
  }
}

/** A bfloat16 is the upper half of an f32. */
function widenBfloat16(halves: Uint16Array): Float32Array {
  const words = new Uint32Array(halves.length);
  for (let i = 0; i < halves.length; i++) words[i] = halves[i] << 16;
  return new Float32Array(words.buffer);
}
