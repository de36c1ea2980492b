/**
 * The safetensors format: u64 header length, JSON header padded with spaces to a multiple of 8, then the tensors' bytes.
 * https://github.com/huggingface/safetensors. Tensors are written by falling element size and then name, so each is aligned.
 */

import { messageOf, UserError } from '../errors.ts';
import { allocate, bytesOf, DTYPES, elementCount, type StoredTensor } from './dtypes.ts';
import { type Fail, parseHeader } from './safetensors_header.ts';

/** What a file holds. `metadata` has no prototype: look keys up freely. */
export interface Safetensors {
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: Map<string, StoredTensor>;
}

/** Tensors by name, such as a Map. */
export type NamedTensors = Iterable<readonly [string, StoredTensor]>;

/** Fills an array with the bytes at an offset, and returns it. */
type Read = (into: Uint8Array, offset: number) => Uint8Array;

/** The limit of the reference implementation. */
const MAX_HEADER = 100_000_000;

/** The file in pieces: its head, then each tensor's own memory, uncopied. */
export function* safetensorsPieces(
  tensors: NamedTensors,
  metadata: Readonly<Record<string, string>> = {},
): Generator<Uint8Array> {
  const sorted = sortForAlignment(tensors);
  yield encodeHead(sorted, metadata);
  for (const [, { data }] of sorted) yield bytesOf(data);
}

/** The file as one array. */
export function encodeSafetensors(
  tensors: NamedTensors,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  const pieces = [...safetensorsPieces(tensors, metadata)];
  const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let position = 0;
  for (const piece of pieces) {
    bytes.set(piece, position);
    position += piece.length;
  }
  return bytes;
}

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
  const text = `{${header.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`)}}`;
  const json = new TextEncoder().encode(text);
  const length = Math.ceil(json.length / 8) * 8;
  const head = new Uint8Array(8 + length).fill(0x20);
  new DataView(head.buffer).setBigUint64(0, BigInt(length), true);
  head.set(json, 8);
  return head;
}

/** The tensors in the bytes of a file. @param name stands for the file in errors @throws UserError they are hostile or damaged */
export function decodeSafetensors(bytes: Uint8Array, name = 'safetensors data'): Safetensors {
  return readFrom(name, bytes.length, (into, offset) => {
    into.set(bytes.subarray(offset, offset + into.length));
    return true;
  });
}

/**
 * Reads and checks a file of so many bytes. Each tensor gets memory of its own.
 * @param readInto fills an array with the bytes at an offset; false: the file ends before
 * @throws UserError it is hostile or damaged
 */
export function readFrom(
  path: string,
  size: number,
  readInto: (into: Uint8Array, offset: number) => boolean,
): Safetensors {
  const fail: Fail = (what, remedy = 'the file is damaged: copy or download it again') => {
    throw new UserError(`cannot read ${path}: ${what}; ${remedy}`);
  };
  const read: Read = (into, offset) => {
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

function checkHeaderLength(size: number, read: Read, fail: Fail): number {
  const advice = 'give a .safetensors file, or copy or download it again';
  if (size < 8) fail(`it has only ${size} bytes and no safetensors header`, advice);
  const { buffer } = read(new Uint8Array(8), 0);
  const length = new DataView(buffer).getBigUint64(0, true);
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
