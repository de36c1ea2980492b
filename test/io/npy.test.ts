import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UserError } from '../../src/errors.ts';
import { bytesOf, type TypedArray } from '../../src/io/dtypes.ts';
import { writeFileAtomic } from '../../src/io/files.ts';
import { decodeNpy, encodeNpy, npyPieces } from '../../src/io/npy.ts';

const constructors = [
  Float64Array,
  Float32Array,
  Int32Array,
  Uint32Array,
  Int16Array,
  Uint16Array,
  Int8Array,
  Uint8Array,
  BigInt64Array,
  BigUint64Array,
] as const;

const anyArray = fc
  .record({ Type: fc.constantFrom(...constructors), shape: fc.array(fc.nat(5), { maxLength: 4 }), seed: fc.nat(255) })
  .map(({ Type, shape, seed }): { data: TypedArray; shape: number[] } => {
    const data = new Type(shape.reduce((product, size) => product * size, 1));
    bytesOf(data).forEach((_, i, bytes) => {
      bytes[i] = (i * 41 + seed) & 0xff;
    });
    return { data, shape };
  });

/** A .npy file with any dict. */
function fileOf(dict: string, dataBytes = 0, version = 1): Buffer {
  const length = Buffer.alloc(version === 1 ? 2 : 4);
  length.writeUIntLE(dict.length, 0, length.length);
  return Buffer.concat([
    Buffer.from(`\x93NUMPY${String.fromCharCode(version, 0)}`, 'latin1'),
    length,
    Buffer.from(dict),
    Buffer.alloc(dataBytes),
  ]);
}

const dictOf = (descr: string, order: string, shape: string) =>
  `{'descr': ${descr}, 'fortran_order': ${order}, 'shape': ${shape}, }`;

describe('npy', () => {
  it('writes the bytes that NumPy writes', () => {
    const expected = Buffer.concat([
      Buffer.from('\x93NUMPY\x01\x00\x76\x00', 'latin1'),
      Buffer.from("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }".padEnd(117)),
      Buffer.from('\n\0\0\x80\x3f\0\0\0\xc0', 'latin1'),
    ]);
    expect(expected.equals(encodeNpy(Float32Array.of(1, -2), [1, 2]))).toBe(true);
  });

  it('returns any array bit for bit, its data at a multiple of 64', () => {
    fc.assert(
      fc.property(anyArray, ({ data, shape }) => {
        const [head, body] = npyPieces(data, shape);
        expect(head.length % 64).toBe(0);
        expect(body.buffer).toBe(data.buffer);
        const read = decodeNpy(encodeNpy(data, shape));
        expect(read.shape).toEqual(shape);
        expect(read.data.constructor).toBe(data.constructor);
        expect(Buffer.compare(bytesOf(read.data), bytesOf(data))).toBe(0);
      }),
    );
  });

  it('reads an array that is not aligned in memory, versions 1 and 2, and old spellings', () => {
    const bytes = Buffer.concat([Buffer.alloc(1), encodeNpy(Float64Array.of(1.5), [])]).subarray(1);
    expect(decodeNpy(bytes)).toEqual({ dtype: 'F64', shape: [], data: Float64Array.of(1.5) });
    expect(decodeNpy(fileOf(dictOf("'<i2'", 'False', '(2,)'), 4, 2)).shape).toEqual([2]);
    expect(
      decodeNpy(fileOf(`{"shape": (2L,3L), "fortran_order":True , "descr":"|b1"}`.replace('True', 'False'), 6)),
    ).toEqual({
      dtype: 'BOOL',
      shape: [2, 3],
      data: new Uint8Array(6),
    });
    expect(decodeNpy(fileOf(dictOf("'<f2'", 'True', '(2,)'), 4)).dtype).toBe('F16');
  });

  it.each([
    ['another format', Buffer.from('PK\x03\x04 zip, npz'), /it is not a NumPy file; give a .npy file/],
    ['nothing', Buffer.alloc(0), /it is not a NumPy file/],
    ['only the magic', Buffer.from('\x93NUMPY\x01\x00', 'latin1'), /ends within its header/],
    ['a cut header', fileOf(dictOf("'<f4'", 'False', '(2,)')).subarray(0, 40), /ends within its header/],
    ['version 9', fileOf(dictOf("'<f4'", 'False', '()'), 4, 9), /format version 9 is unknown/],
    ['Python objects', fileOf(dictOf("'|O'", 'False', '(1,)'), 8), /type "\|O" are not supported/],
    ['big-endian values', fileOf(dictOf("'>f4'", 'False', '(1,)'), 4), /type ">f4" are not supported/],
    ['structured values', fileOf(dictOf("[('x', '<f4')]", 'False', '(1,)'), 4), /does not give dtype/],
    ['Fortran order', fileOf(dictOf("'<f4'", 'True', '(1, 1)'), 4), /Fortran order; save numpy.ascontiguousarray/],
    ['a negative size', fileOf(dictOf("'<f4'", 'False', '(-1,)'), 4), /does not give dtype, order and shape/],
    ['a huge size', fileOf(dictOf("'<f4'", 'False', '(9999999999, 9999999999)'), 4), /its shape \(.*\) is invalid/],
    ['too little data', fileOf(dictOf("'<f4'", 'False', '(2,)'), 4), /needs 8 bytes, it has 4/],
    ['too much data', fileOf(dictOf("'<f4'", 'False', '(2,)'), 9), /needs 8 bytes, it has 9/],
  ])('refuses %s', (_, bytes, message) => {
    expect(() => decodeNpy(bytes, 'x.npy')).toThrow(UserError);
    expect(() => decodeNpy(bytes, 'x.npy')).toThrow(message);
    expect(() => decodeNpy(bytes, 'x.npy')).toThrow(/^cannot read x\.npy: .*; \S.*$/);
  });

  it('refuses to write a shape that does not fit', () => {
    expect(() => encodeNpy(Float32Array.of(1), [2])).toThrow('[npy] shape [2] does not hold 1 elements');
  });
});

const numpy = spawnSync('python3', ['-c', 'import numpy']).status === 0;

describe('against NumPy itself', () => {
  it.skipIf(!numpy)('both read what the other wrote (skipped where python3 has no numpy)', () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'npy-'));
    const ours = path.join(folder, 'ours.npy');
    const theirs = path.join(folder, 'theirs.npy');
    const data = Float32Array.from({ length: 6 }, (_, i) => i / 3 - 1);
    writeFileAtomic(ours, npyPieces(data, [2, 1, 3]));
    const script = `import numpy as np; a = np.load('${ours}'); assert a.dtype == np.float32 and a.shape == (2, 1, 3)
assert a.flags.c_contiguous; np.save('${theirs}', a)`;
    expect(spawnSync('python3', ['-c', script], { encoding: 'utf8' }).stderr).toBe('');
    expect(fs.readFileSync(theirs).equals(fs.readFileSync(ours))).toBe(true);
    expect(decodeNpy(fs.readFileSync(theirs))).toEqual({ dtype: 'F32', shape: [2, 1, 3], data });
    fs.rmSync(folder, { recursive: true });
  });
});
