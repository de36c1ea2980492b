import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UserError } from '../../src/errors.ts';
import { allocate, bytesOf, DTYPES, type Dtype, type StoredTensor } from '../../src/io/dtypes.ts';
import {
  decodeSafetensors,
  encodeSafetensors,
  readSafetensors,
  safetensorsPieces,
  toFloat32,
  writeSafetensors,
} from '../../src/io/safetensors.ts';
import { duplicateKey } from '../../src/io/safetensors_header.ts';

let folder: string;
beforeAll(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'safetensors-'));
});
afterAll(() => fs.rmSync(folder, { recursive: true }));

/** A file with any header and any bytes behind it. */
function fileOf(header: unknown, dataBytes = 0, headerLength?: bigint): Buffer {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(headerLength ?? BigInt(json.length));
  return Buffer.concat([length, json, Buffer.alloc(dataBytes, 1)]);
}

const f32 = (shape: unknown, begin: unknown, end: unknown) => ({ dtype: 'F32', shape, data_offsets: [begin, end] });

/** The single-line UserError that reading the bytes must end in. */
function errorOf(read: () => unknown): string {
  try {
    read();
  } catch (error) {
    expect(error).toBeInstanceOf(UserError);
    expect((error as Error).message).not.toMatch(/\n/);
    return (error as Error).message;
  }
  throw new Error('nothing was thrown');
}

const dtypes = Object.keys(DTYPES) as Dtype[];

const anyTensor: fc.Arbitrary<StoredTensor> = fc
  .record({ dtype: fc.constantFrom(...dtypes), shape: fc.array(fc.nat(4), { maxLength: 4 }), seed: fc.nat(255) })
  .map(({ dtype, shape, seed }) => {
    const count = shape.reduce((product, size) => product * size, 1);
    const data = allocate(dtype, count);
    bytesOf(data).forEach((_, i, bytes) => {
      bytes[i] = (i * 37 + seed) & 0xff;
    });
    return { dtype, shape, data };
  });

const reserved = new Set(['__metadata__', '__proto__', 'constructor', 'prototype']);
const anyName = fc.string({ unit: 'grapheme', maxLength: 12 }).filter((name) => !reserved.has(name));
const anyFile = fc.record({
  tensors: fc.uniqueArray(fc.tuple(anyName, anyTensor), { selector: ([name]) => name, maxLength: 6 }),
  metadata: fc.dictionary(anyName, fc.string({ unit: 'grapheme' }), { maxKeys: 4 }),
});

/** Bit for bit: NaN payloads too. */
function expectSame(read: Map<string, StoredTensor>, written: readonly (readonly [string, StoredTensor])[]): void {
  expect([...read.keys()].sort()).toEqual(written.map(([name]) => name).sort());
  for (const [name, tensor] of written) {
    const other = read.get(name)!;
    expect({ dtype: other.dtype, shape: other.shape }).toEqual({ dtype: tensor.dtype, shape: tensor.shape });
    expect(other.data.constructor).toBe(tensor.data.constructor);
    expect(Buffer.compare(bytesOf(other.data), bytesOf(tensor.data))).toBe(0);
  }
}

describe('round trip', () => {
  it('returns any tensors and metadata bit for bit, from memory and from a file', () => {
    const file = path.join(folder, 'round.safetensors');
    fc.assert(
      fc.property(anyFile, ({ tensors, metadata }) => {
        const bytes = encodeSafetensors(tensors, metadata);
        expect(writeSafetensors(file, tensors, metadata)).toBe(bytes.length);
        expect(fs.readFileSync(file).equals(bytes)).toBe(true);
        for (const read of [decodeSafetensors(bytes), readSafetensors(file)]) {
          expectSame(read.tensors, tensors);
          expect({ ...read.metadata }).toEqual({ ...metadata });
        }
      }),
      { numRuns: 60 },
    );
  });

  it('aligns header and tensors, and does not depend on the order of the tensors', () => {
    fc.assert(
      fc.property(anyFile, ({ tensors, metadata }) => {
        const bytes = Buffer.from(encodeSafetensors(tensors, metadata));
        const length = Number(bytes.readBigUInt64LE());
        expect(length % 8).toBe(0);
        const header = JSON.parse(bytes.toString('utf8', 8, 8 + length));
        for (const [name, { dtype }] of tensors) {
          expect(header[name].data_offsets[0] % DTYPES[dtype].bytes).toBe(0);
        }
        expect(bytes.equals(encodeSafetensors([...tensors].reverse(), metadata))).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it('yields the memory of the tensors themselves', () => {
    const data = Float32Array.of(1, 2, 3);
    const [, piece] = safetensorsPieces([['a', { dtype: 'F32', shape: [3], data }]]);
    expect(piece.buffer).toBe(data.buffer);
  });

  it('writes the bytes that the format prescribes', () => {
    const bytes = encodeSafetensors(new Map([['a', { dtype: 'I16', shape: [2], data: Int16Array.of(1, -2) }]]), {
      k: 'v',
    });
    const json = '{"__metadata__":{"k":"v"},"a":{"dtype":"I16","shape":[2],"data_offsets":[0,4]}}';
    const head = Buffer.from([80, 0, 0, 0, 0, 0, 0, 0]);
    expect(Buffer.concat([head, Buffer.from(json.padEnd(80)), Buffer.from([1, 0, 254, 255])]).equals(bytes)).toBe(true);
  });

  it.each([
    ['a reserved name', '__metadata__', 'F32', [1], Float32Array.of(1), /named __metadata__/],
    ['a prototype name', '__proto__', 'F32', [1], Float32Array.of(1), /named __proto__/],
    ['the wrong array', 'a', 'F32', [1], Int32Array.of(1), /dtype F32 needs a Float32Array/],
    ['the wrong shape', 'a', 'F32', [2], Float32Array.of(1), /shape \[2\] does not hold 1/],
  ] as const)('refuses to write %s', (_, name, dtype, shape, data, message) => {
    expect(() => encodeSafetensors([[name, { dtype, shape, data }]])).toThrow(message);
  });

  it('refuses to write two tensors of one name', () => {
    const tensor: StoredTensor = { dtype: 'F32', shape: [], data: Float32Array.of(1) };
    expect(() =>
      encodeSafetensors([
        ['a', tensor],
        ['a', tensor],
      ]),
    ).toThrow(/two tensors are named a/);
  });
});

describe('hostile and damaged files', () => {
  const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`;
  const cases: [string, Buffer, RegExp][] = [
    ['an empty file', Buffer.alloc(0), /has only 0 bytes/],
    ['7 bytes', Buffer.alloc(7), /has only 7 bytes/],
    ['an empty header', fileOf(''), /does not begin with \{/],
    ['a header beyond the file', fileOf('{}', 0, 1000n), /header of 1000 bytes goes beyond the end/],
    ['a header above 100 MB', fileOf('{}', 0, 100_000_001n), /at most 100000000 are allowed/],
    ['a header of 2^64 − 1 bytes', fileOf('{}', 0, 2n ** 64n - 1n), /would have 18446744073709551615 bytes/],
    ['another format', Buffer.from('PK\x03\x04 and so on, a zip'), /would have \d+ bytes/],
    ['a header that is no JSON', fileOf('{"a":'), /not JSON/],
    ['a header that is a list', fileOf('[]'), /does not begin with \{/],
    ['a header behind a space', fileOf(' {}'), /does not begin with \{/],
    ['a header that is no UTF-8', fileOf('{"\xff\xfe"').fill(0xff, 10), /not UTF-8/],
    [
      'a duplicate tensor',
      fileOf('{"a":{"dtype":"U8","shape":[],"data_offsets":[0,1]},"\\u0061":{}}', 1),
      /key "a" twice/,
    ],
    ['a duplicate offset', fileOf('{"a":{"data_offsets":[0,1],"data_offsets":[1,2]}}', 1), /key "data_offsets" twice/],
    ['duplicate metadata', fileOf('{"__metadata__":{"a":"1","a":"2"}}'), /key "a" twice/],
    ['__proto__ as a tensor', fileOf('{"__proto__":{"dtype":"U8","shape":[],"data_offsets":[0,1]}}', 1), /"__proto__"/],
    ['constructor as a tensor', fileOf({ constructor: f32([], 0, 4) }, 4), /"constructor"/],
    ['__proto__ in metadata', fileOf('{"__metadata__":{"__proto__":"x"}}'), /__metadata__ has the key "__proto__"/],
    ['metadata that is a list', fileOf({ __metadata__: [] }), /__metadata__ is not a JSON object/],
    ['metadata that is no text', fileOf({ __metadata__: { a: 1 } }), /not text, at "a"/],
    ['a tensor that is null', fileOf({ a: null }), /"a" is not described/],
    ['a tensor without a dtype', fileOf({ a: {} }), /unknown dtype undefined/],
    [
      'an unknown dtype',
      fileOf({ a: { dtype: 'F8_E4M3', shape: [], data_offsets: [0, 1] } }, 1),
      /dtype "F8_E4M3".*convert/,
    ],
    [
      'a dtype off the prototype',
      fileOf({ a: { dtype: 'toString', shape: [], data_offsets: [0, 1] } }, 1),
      /"toString"/,
    ],
    ['a deeply nested dtype', fileOf(`{"a":{"dtype":${deep}}}`), /unknown dtype \{…\}/],
    ['a deeply nested shape', fileOf(`{"a":{"dtype":"U8","shape":[${deep}]}}`), /invalid shape \[\{…\}\]/],
    ['a shape that is no list', fileOf({ a: f32(4, 0, 16) }, 16), /no list of dimensions/],
    ['a negative size', fileOf({ a: f32([-1, -4], 0, 16) }, 16), /invalid shape \[-1, -4\]/],
    ['a size that is null (NaN)', fileOf({ a: f32([null], 0, 16) }, 16), /invalid shape \[null\]/],
    ['a fractional size', fileOf({ a: f32([1.5], 0, 6) }, 6), /invalid shape \[1.5\]/],
    ['a size as text', fileOf({ a: f32(['4'], 0, 16) }, 16), /invalid shape \["4"\]/],
    ['a product above 2^53', fileOf({ a: f32([2 ** 40, 2 ** 40], 0, 16) }, 16), /invalid shape/],
    ['a product that wraps to 0 in 64 bits', fileOf({ a: f32([2 ** 32, 2 ** 32], 0, 0) }), /invalid shape/],
    ['bytes above 2^53', fileOf({ a: f32([2 ** 52], 0, 16) }, 16), /invalid shape/],
    ['a size of 1e400', fileOf('{"a":{"dtype":"F32","shape":[1e400],"data_offsets":[0,4]}}', 4), /invalid shape/],
    ['missing offsets', fileOf({ a: { dtype: 'F32', shape: [1] } }, 4), /no pair of data_offsets/],
    [
      'three offsets',
      fileOf({ a: { dtype: 'F32', shape: [1], data_offsets: [0, 4, 8] } }, 4),
      /no pair of data_offsets/,
    ],
    ['a negative offset', fileOf({ a: f32([1], -4, 0) }, 4), /no pair of data_offsets/],
    ['offsets out of order', fileOf({ a: f32([1], 4, 0) }, 4), /needs 4 bytes but is given -4/],
    ['a shape larger than its bytes', fileOf({ a: f32([2], 0, 4) }, 4), /\[2\] of F32, needs 8 bytes but is given 4/],
    ['a shape smaller than its bytes', fileOf({ a: f32([1], 0, 8) }, 8), /needs 4 bytes but is given 8/],
    ['offsets beyond the file', fileOf({ a: f32([4], 0, 16) }, 12), /need 16 bytes of data but it has 12: it was cut/],
    ['a terabyte that is not there', fileOf({ a: f32([2 ** 38], 0, 2 ** 40) }, 4), /it was cut/],
    ['overlapping tensors', fileOf({ a: f32([2], 0, 8), b: f32([2], 4, 12) }, 12), /"b" overlaps/],
    ['two names for the same bytes', fileOf({ a: f32([1], 0, 4), b: f32([1], 0, 4) }, 4), /overlaps/],
    ['a hole', fileOf({ a: f32([1], 0, 4), b: f32([1], 8, 12) }, 12), /hole of 4 bytes before tensor "b"/],
    ['a hole at the start', fileOf({ a: f32([1], 4, 8) }, 8), /hole of 4 bytes/],
    ['trailing bytes', fileOf({ a: f32([1], 0, 4) }, 5), /1 bytes follow the last tensor/],
    ['trailing bytes without tensors', fileOf({}, 5), /5 bytes follow/],
    [
      'a terminal escape in a name',
      fileOf({ '\x1b[31m\n\x9b2J\u202e': null }),
      /"\\u001b\[31m\\n\\u009b2J\\u202e" is not/,
    ],
  ];

  it.each(cases)('refuses %s', (_, bytes, message) => {
    const file = path.join(folder, 'hostile.safetensors');
    fs.writeFileSync(file, bytes);
    const fromFile = errorOf(() => readSafetensors(file));
    expect(fromFile).toMatch(message);
    expect(fromFile).toContain(`cannot read ${file}: `);
    expect(fromFile).toMatch(/; \S/);
    expect(errorOf(() => decodeSafetensors(bytes, file))).toBe(fromFile);
  });

  it('never fails otherwise than in a UserError, whatever bit is turned or wherever the file is cut', () => {
    const tensors: [string, StoredTensor][] = [
      ['w', { dtype: 'F32', shape: [2, 3], data: new Float32Array(6) }],
      ['n', { dtype: 'I64', shape: [], data: new BigInt64Array(1) }],
    ];
    const whole = encodeSafetensors(tensors, { step: '3' });
    const at = fc.nat(whole.length - 1);
    fc.assert(
      fc.property(at, fc.nat(255), fc.boolean(), (position, value, cut) => {
        const bytes = Uint8Array.from(cut ? whole.subarray(0, position) : whole);
        if (!cut) bytes[position] = value;
        try {
          decodeSafetensors(bytes);
          expect(cut).toBe(false);
        } catch (error) {
          expect(error).toBeInstanceOf(UserError);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('does not touch Object.prototype', () => {
    const bytes = fileOf(
      '{"__metadata__":{"toString":"x"},"valueOf":{"dtype":"U8","shape":[],"data_offsets":[0,1]}}',
      1,
    );
    const { metadata, tensors } = decodeSafetensors(bytes);
    expect(metadata['toString']).toBe('x');
    expect(metadata['hasOwnProperty']).toBeUndefined();
    expect(tensors.get('valueOf')!.data[0]).toBe(1);
  });

  it('accepts what the format allows: empty tensors anywhere, any order, spaces, unknown fields', () => {
    const header = { b: f32([0, 3], 4, 4), a: { ...f32([1], 0, 4), extra: [1] }, c: f32([0], 0, 0) };
    const { tensors } = decodeSafetensors(fileOf(`${JSON.stringify(header, null, 2)}   `, 4));
    expect([...tensors.keys()].sort()).toEqual(['a', 'b', 'c']);
    expect(tensors.get('b')!.shape).toEqual([0, 3]);
  });

  it('names the path of a file that is missing, a folder or a device', () => {
    const missing = path.join(folder, 'missing.safetensors');
    expect(errorOf(() => readSafetensors(missing))).toBe(
      `cannot read ${missing}: no such file or folder; check the path`,
    );
    expect(errorOf(() => readSafetensors(folder))).toMatch(/it is a folder, not a file/);
    expect(errorOf(() => readSafetensors('/dev/zero'))).toMatch(/it is not a regular file/);
  });

  it('refuses a sparse file that is larger than memory', () => {
    const file = path.join(folder, 'sparse.safetensors');
    const bytes = 2 ** 43;
    const head = fileOf({ a: { dtype: 'F32', shape: [bytes / 4], data_offsets: [0, bytes] } });
    fs.writeFileSync(file, head);
    fs.truncateSync(file, head.length + bytes);
    expect(errorOf(() => readSafetensors(file))).toMatch(/does not fit into memory/);
    fs.rmSync(file);
  });
});

describe('duplicateKey', () => {
  it.each([
    ['{"a":1,"b":{"a":2},"c":[{"a":3},{"a":4}]}', undefined],
    ['{"a":"a","b":"a\\":\\"","c":"{"}', undefined],
    ['{"a" \n:1,"a"\t:2}', 'a'],
    ['{"x":{"k":1},"y":{"k":1,"\\u006b":2}}', 'k'],
    ['{"\\\\":1,"\\\\":2}', '\\'],
    ['{"":1,"":2}', ''],
  ])('of %j is %j', (json, key) => {
    expect(duplicateKey(json)).toBe(key);
  });

  it('finds none in any object that JSON.stringify wrote', () => {
    fc.assert(fc.property(fc.object(), (value) => duplicateKey(JSON.stringify(value)) === undefined));
  });
});

const golden = path.resolve(import.meta.dirname, '../../../shared/golden');
const goldenFiles = fs.existsSync(golden) ? fs.readdirSync(golden).filter((name) => name.endsWith('.safetensors')) : [];

describe('files that PyTorch wrote', () => {
  const absent = goldenFiles.length === 0;
  it.skipIf(absent)(
    `some are here${absent ? ' (skipped: ../shared/golden has no safetensors files on this machine)' : ''}`,
    () => {
      expect(goldenFiles).not.toEqual([]);
    },
  );

  it.each(goldenFiles)('%s is read fully and written back to the same content', (name) => {
    const file = path.join(golden, name);
    const { metadata, tensors } = readSafetensors(file);
    expect(Object.keys(metadata).length).toBeGreaterThan(0);
    expect(tensors.size).toBeGreaterThan(0);
    for (const tensor of tensors.values()) {
      expect(toFloat32(tensor).every(Number.isFinite)).toBe(true);
    }
    const again = decodeSafetensors(encodeSafetensors(tensors, metadata));
    expectSame(again.tensors, [...tensors]);
    expect(again.metadata).toEqual(metadata);
  });

  it.runIf(goldenFiles.includes('nt_xent_n2_d4_t0.5.safetensors'))('the values are those of the file', () => {
    const file = path.join(golden, 'nt_xent_n2_d4_t0.5.safetensors');
    const bytes = fs.readFileSync(file);
    const start = 8 + Number(bytes.readBigUInt64LE());
    const header = JSON.parse(bytes.toString('utf8', 8, start));
    for (const [name, tensor] of readSafetensors(file).tensors) {
      const [begin] = header[name].data_offsets;
      tensor.data.forEach((value, i) => {
        expect(value).toBe(bytes.readFloatLE(start + begin + i * 4));
      });
    }
  });
});
