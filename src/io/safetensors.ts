/**
 * The safetensors format: u64 header length, JSON header padded with spaces to a multiple of 8, then the tensors' bytes.
 * https://github.com/huggingface/safetensors. Tensors are written by falling element size and then name, so each is aligned.
 */

import fs from 'node:fs';
import { messageOf, UserError } from '../errors.ts';
import { allocate, bytesOf, DTYPES, elementCount, type StoredTensor } from './dtypes.ts';
import { guarded } from './file_errors.ts';
import { writeFileAtomic } from './files.ts';
import { type Fail, parseHeader } from './safetensors_header.ts';

export { type Dtype, type StoredTensor, type TypedArray, toFloat32 } from './dtypes.ts';

/** What a file holds. `metadata` has no prototype: look keys up freely. */
export interface Safetensors {
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: Map<string, StoredTensor>;
}

/** Tensors by name, such as a Map. */
export type NamedTensors = Iterable<readonly [string, StoredTensor]>;

/** The limit of the reference implementation. */
const MAX_HEADER = 100_000_000;
const MAX_READ = 64 * 1024 * 1024;

/** The file in pieces: its head, then each tensor's own memory, uncopied. */
export function* safetensorsPieces(
  tensors: NamedTensors,
  metadata: Readonly<Record<string, string>> = {},
): Generator<Uint8Array> {
  const sorted = sortForAlignment(tensors);
  yield encodeHead(sorted, metadata);
  for (const [, { data }] of sorted) yield bytesOf(data);
}

/** The file as one array; for small ones. */
export const encodeSafetensors = (tensors: NamedTensors, metadata: Readonly<Record<string, string>> = {}): Uint8Array =>
  Buffer.concat([...safetensorsPieces(tensors, metadata)]);

/** Writes the file atomically, never building it in memory. @returns its size in bytes */
export const writeSafetensors = (
  path: string,
  tensors: NamedTensors,
  metadata: Readonly<Record<string, string>> = {},
): number => writeFileAtomic(path, safetensorsPieces(tensors, metadata));

function sortForAlignment(tensors: NamedTensors): (readonly [string, StoredTensor])[] {
  const sorted = [...tensors];
  for (const [name, tensor] of sorted) checkStorable(name, tensor);
  sorted.sort(([nameA, a], [nameB, b]) => {
    return DTYPES[b.dtype].bytes - DTYPES[a.dtype].bytes || (nameA < nameB ? -1 : nameA > nameB ? 1 : 0);
  });
  const twice = sorted.find(([name], i) => i > 0 && sorted[i - 1][0] === name);
  if (twice) throw new Error(`[safetensors] two tensors are named ${twice[0]}`);
  return sorted;
}

/** A wrong tensor here is a bug of the caller, not of the user. */
function checkStorable(name: string, { dtype, shape, data }: StoredTensor): void {
  if (['__metadata__', '__proto__', 'constructor', 'prototype'].includes(name)) {
    throw new Error(`[safetensors] no tensor can be named ${name}`);
  }
  if (!(data instanceof DTYPES[dtype].array)) {
    throw new Error(`[safetensors] ${name}: dtype ${dtype} needs a ${DTYPES[dtype].array.name}`);
  }
  if (elementCount(shape) !== data.length) {
    throw new Error(`[safetensors] ${name}: shape [${shape}] does not hold ${data.length} elements`);
  }
}

function encodeHead(sorted: NamedTensors, metadata: Readonly<Record<string, string>>): Uint8Array {
  const header: [string, unknown][] = Object.keys(metadata).length > 0 ? [['__metadata__', metadata]] : [];
  let position = 0;
  for (const [name, { dtype, shape, data }] of sorted) {
    header.push([name, { dtype, shape, data_offsets: [position, (position += data.byteLength)] }]);
  }
  // Assembled entry by entry: an object would move names that look like numbers to the front.
  const json = Buffer.from(`{${header.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`)}}`);
  const length = Math.ceil(json.length / 8) * 8;
  const head = Buffer.alloc(8 + length, ' ');
  head.writeBigUInt64LE(BigInt(length));
  json.copy(head, 8);
  return head;
}

/** Reads and checks a whole file. Each tensor gets memory of its own. @throws UserError for a missing, hostile or damaged file */
export function readSafetensors(path: string): Safetensors {
  const fd = guarded('read', path, () => openRegularFile(path));
  try {
    const size = guarded('read', path, () => fs.fstatSync(fd).size);
    return readFrom(path, size, (into, offset) => guarded('read', path, () => readFully(fd, into, offset)));
  } finally {
    fs.closeSync(fd);
  }
}

/** The same from memory. @param name stands for the file in errors */
export function decodeSafetensors(bytes: Uint8Array, name = 'safetensors data'): Safetensors {
  return readFrom(name, bytes.length, (into, offset) => {
    into.set(bytes.subarray(offset, offset + into.length));
    return true;
  });
}

/** A folder, a pipe or a device is refused before `open` could wait for it. */
function openRegularFile(path: string): number {
  const stat = fs.statSync(path);
  if (stat.isDirectory()) throw Object.assign(new Error(`${path} is a folder`), { code: 'EISDIR' });
  if (!stat.isFile()) throw new UserError(`cannot read ${path}: it is not a regular file; give a .safetensors file`);
  return fs.openSync(path, 'r');
}

/** False if the file ends before `into` is full. */
function readFully(fd: number, into: Uint8Array, offset: number): boolean {
  let done = 0;
  while (done < into.length) {
    const count = fs.readSync(fd, into, done, Math.min(MAX_READ, into.length - done), offset + done);
    if (count === 0) return false;
    done += count;
  }
  return true;
}

function readFrom(path: string, size: number, readInto: (into: Uint8Array, offset: number) => boolean): Safetensors {
  const fail: Fail = (what, remedy = 'the file is damaged: copy or download it again') => {
    throw new UserError(`cannot read ${path}: ${what}; ${remedy}`);
  };
  const read = (into: Uint8Array, offset: number) => {
    if (!readInto(into, offset)) fail('it was truncated while being read', 'try again when nothing writes to it');
    return into;
  };
  const headerLength = checkHeaderLength(size, read, fail);
  const text = decodeHeader(read(new Uint8Array(headerLength), 8), fail);
  const dataStart = 8 + headerLength;
  const { metadata, entries } = parseHeader(text, size - dataStart, fail);
  const tensors = new Map<string, StoredTensor>();
  for (const { name, dtype, shape, count, begin } of entries) {
    const data = allocateOrFail(() => allocate(dtype, count), fail);
    read(bytesOf(data), dataStart + begin);
    tensors.set(name, { dtype, shape, data });
  }
  return { metadata, tensors };
}

function checkHeaderLength(size: number, read: (into: Uint8Array, at: number) => Uint8Array, fail: Fail): number {
  const advice = 'give a .safetensors file, or copy or download it again';
  if (size < 8) fail(`it has only ${size} bytes and no safetensors header`, advice);
  const length = Buffer.from(read(new Uint8Array(8), 0)).readBigUInt64LE();
  if (length > MAX_HEADER) fail(`its header would have ${length} bytes (at most ${MAX_HEADER} are allowed)`, advice);
  if (8 + Number(length) > size) fail(`its header of ${length} bytes goes beyond the end of the file`, advice);
  return Number(length);
}

function decodeHeader(bytes: Uint8Array, fail: Fail): string {
  if (bytes[0] !== 0x7b) fail('its header does not begin with {', 'give a .safetensors file');
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return fail('its header is not UTF-8 text');
  }
}

/** A sparse file can claim, and have, more bytes than this machine has memory. */
function allocateOrFail<T>(allocation: () => T, fail: Fail): T {
  try {
    return allocation();
  } catch (error) {
    return fail(
      `it does not fit into memory (${messageOf(error)})`,
      'use a smaller file or a machine with more memory',
    );
  }
}
