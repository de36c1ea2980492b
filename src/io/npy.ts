/**
 * NumPy's .npy format, little-endian, C order: magic, version, header length, a Python dict as text padded with spaces so that
 * the data starts at a multiple of 64, then the values. https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 */

import { UserError } from '../errors.ts';
import { allocate, bytesOf, type Dtype, elementCount, type StoredTensor, type TypedArray } from './dtypes.ts';
import { quote } from './file_errors.ts';

const MAGIC = Buffer.from('\x93NUMPY', 'latin1');
const ALIGNMENT = 64;

const DESCR = {
  F64: '<f8',
  F32: '<f4',
  F16: '<f2',
  I64: '<i8',
  U64: '<u8',
  I32: '<i4',
  U32: '<u4',
  I16: '<i2',
  U16: '<u2',
  I8: '|i1',
  U8: '|u1',
  BOOL: '|b1',
} as const satisfies Partial<Record<Dtype, string>>;

type NpyDtype = keyof typeof DESCR;

/** The file in two pieces, header and the array's own memory, for `writeFileAtomic`. */
export function npyPieces(data: TypedArray, shape: readonly number[]): [Uint8Array, Uint8Array] {
  if (elementCount(shape) !== data.length) {
    throw new Error(`[npy] shape [${shape}] does not hold ${data.length} elements`);
  }
  const descr = DESCR[dtypeOf(data)];
  const dims = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const dict = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${dims}), }`;
  const length = Math.ceil((10 + dict.length + 1) / ALIGNMENT) * ALIGNMENT - 10;
  const head = Buffer.alloc(10 + length, ' ');
  MAGIC.copy(head);
  head.writeUInt8(1, 6);
  head.writeUInt8(0, 7);
  head.writeUInt16LE(length, 8);
  head.write(dict, 10, 'latin1');
  head.write('\n', 10 + length - 1);
  return [head, bytesOf(data)];
}

/** A .npy file, version 1.0. */
export const encodeNpy = (data: TypedArray, shape: readonly number[]): Uint8Array =>
  Buffer.concat(npyPieces(data, shape));

function dtypeOf(data: TypedArray): NpyDtype {
  if (data instanceof Float64Array) return 'F64';
  if (data instanceof Float32Array) return 'F32';
  if (data instanceof BigInt64Array) return 'I64';
  if (data instanceof BigUint64Array) return 'U64';
  if (data instanceof Int32Array) return 'I32';
  if (data instanceof Uint32Array) return 'U32';
  if (data instanceof Int16Array) return 'I16';
  if (data instanceof Uint16Array) return 'U16';
  return data instanceof Int8Array ? 'I8' : 'U8';
}

/**
 * Reads a .npy file of version 1 or 2. @param name stands for the file in errors
 * @throws UserError for a damaged file, Fortran order, big-endian values and Python objects
 */
export function decodeNpy(bytes: Uint8Array, name = 'npy data'): StoredTensor {
  const fail = (what: string, remedy = 'the file is damaged: copy or download it again'): never => {
    throw new UserError(`cannot read ${name}: ${what}; ${remedy}`);
  };
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (!file.subarray(0, 6).equals(MAGIC)) fail('it is not a NumPy file', 'give a .npy file');
  if (file.length < 12) fail('it ends within its header');
  const version = file[6];
  if (version !== 1 && version !== 2) fail(`format version ${version} is unknown`, 'save it with numpy.save');
  const headerStart = version === 1 ? 10 : 12;
  const dataStart = headerStart + (version === 1 ? file.readUInt16LE(8) : file.readUInt32LE(8));
  if (dataStart > file.length) fail('it ends within its header');
  const { dtype, shape } = parseDict(file.toString('latin1', headerStart, dataStart), fail);
  const count = elementCount(shape);
  if (count === undefined) return fail(`its shape (${shape.slice(0, 8).join(', ')}) is invalid`);
  const width = Number(DESCR[dtype].slice(2));
  if (count * width !== file.length - dataStart) {
    fail(
      `shape (${shape.join(', ')}) of ${DESCR[dtype]} needs ${count * width} bytes, it has ${file.length - dataStart}`,
    );
  }
  const data = allocate(dtype, count);
  bytesOf(data).set(file.subarray(dataStart));
  return { dtype, shape, data };
}

/** Reads the three entries of the dict, in any order and with any spacing, without being a Python parser. */
function parseDict(text: string, fail: (what: string, remedy?: string) => never) {
  const descr = /['"]descr['"]\s*:\s*['"]([^'"]*)['"]/.exec(text)?.[1];
  const fortran = /['"]fortran_order['"]\s*:\s*(True|False)/.exec(text)?.[1];
  const dims = /['"]shape['"]\s*:\s*\(([\d\s,L]*)\)/.exec(text)?.[1];
  if (descr === undefined || fortran === undefined || dims === undefined) {
    return fail('its header does not give dtype, order and shape', 'save a plain array with numpy.save');
  }
  const dtype = (Object.keys(DESCR) as NpyDtype[]).find((key) => DESCR[key].slice(1) === descr.slice(1));
  if (dtype === undefined || !'<|='.includes(descr[0])) {
    return fail(`values of type ${quote(descr)} are not supported`, 'save little-endian numbers, e.g. a.astype("<f4")');
  }
  const shape = dims.split(',').filter((size) => size.trim() !== '');
  if (fortran === 'True' && shape.length > 1) {
    fail('it is in Fortran order', 'save numpy.ascontiguousarray(a)');
  }
  return { dtype, shape: shape.map((size) => Number.parseInt(size, 10)) };
}
