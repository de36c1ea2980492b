/**
 * The JSON header of a safetensors file, checked before any of it is believed:
 *
 *   { "__metadata__": { key: text }, name: { "dtype": "F32", "shape": [2, 3], "data_offsets": [begin, end] } }
 *
 * Offsets count from the end of the header; tensors must tile the data exactly, without holes or overlaps.
 */

import { DTYPES, type Dtype, elementCount, isDtype, isSize } from './dtypes.ts';
import { quote } from './file_errors.ts';

/** One tensor's place in the file. */
export interface TensorEntry {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly count: number;
  readonly begin: number;
  readonly end: number;
}

/** Throws the reader's error: what is wrong, and the advice where it is not the usual one. */
export type Fail = (what: string, remedy?: string) => never;

/** Names that would reach an object's prototype if anybody kept tensors or metadata in a plain object. */
const FORBIDDEN = new Set(['__proto__', 'constructor', 'prototype']);

/** Parses and checks a header over `dataBytes` bytes of data. Entries come back in the order of their data. */
export function parseHeader(text: string, dataBytes: number, fail: Fail) {
  const header = parseObject(text, fail);
  const metadata: Record<string, string> = Object.create(null);
  const entries: TensorEntry[] = [];
  for (const [name, value] of Object.entries(header)) {
    if (FORBIDDEN.has(name)) fail(`a tensor is named ${quote(name)}`, 'rename it in the program that wrote the file');
    if (name === '__metadata__') Object.assign(metadata, checkMetadata(value, fail));
    else entries.push(checkEntry(name, value, fail));
  }
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end);
  checkTiling(entries, dataBytes, fail);
  return { metadata, entries };
}

function parseObject(text: string, fail: Fail): object {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    fail('its header is not JSON');
  }
  if (!isRecord(value)) return fail('its header is not a JSON object');
  const duplicate = duplicateKey(text);
  if (duplicate !== undefined) fail(`its header has the key ${quote(duplicate)} twice`);
  return value;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * The first key that stands twice in one object. JSON.parse keeps the last of them without a word, so two readers of one file
 * could see different tensors. The text is valid JSON: a string followed by a colon is a key.
 */
export function duplicateKey(json: string): string | undefined {
  const objects: Set<string>[] = [];
  for (let i = 0; i < json.length; i++) {
    const char = json[i];
    if (char === '{') objects.push(new Set());
    else if (char === '}') objects.pop();
    else if (char === '"') {
      const end = endOfString(json, i);
      const keys = objects[objects.length - 1];
      if (keys !== undefined && isColonNext(json, end)) {
        const key: string = JSON.parse(json.slice(i, end));
        if (keys.has(key)) return key;
        keys.add(key);
      }
      i = end - 1;
    }
  }
  return undefined;
}

/** Index after the closing quote of the string that opens at `start`. */
function endOfString(json: string, start: number): number {
  let i = start + 1;
  while (json[i] !== '"') i += json[i] === '\\' ? 2 : 1;
  return i + 1;
}

function isColonNext(json: string, i: number): boolean {
  while (json[i] === ' ' || json[i] === '\n' || json[i] === '\r' || json[i] === '\t') i++;
  return json[i] === ':';
}

function checkMetadata(value: unknown, fail: Fail): Record<string, string> {
  if (!isRecord(value)) return fail('its __metadata__ is not a JSON object');
  for (const [key, text] of Object.entries(value)) {
    if (FORBIDDEN.has(key)) fail(`its __metadata__ has the key ${quote(key)}`);
    if (typeof text !== 'string') fail(`its __metadata__ has a value that is not text, at ${quote(key)}`);
  }
  return value as Record<string, string>;
}

function checkEntry(name: string, value: unknown, fail: Fail): TensorEntry {
  const tensor = `tensor ${quote(name)}`;
  if (!isRecord(value)) return fail(`${tensor} is not described by a JSON object`);
  const { dtype, shape, data_offsets: offsets } = value;
  if (!isDtype(dtype)) return fail(`${tensor} has the unknown dtype ${show(dtype)}`, 'convert it to F32 or F16');
  if (!Array.isArray(shape)) return fail(`${tensor} has no list of dimensions as its shape`);
  const count = elementCount(shape);
  const bytes = elementCount([...shape, DTYPES[dtype].bytes]);
  if (count === undefined || bytes === undefined) return fail(`${tensor} has the invalid shape ${showShape(shape)}`);
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isSize)) {
    return fail(`${tensor} has no pair of data_offsets`);
  }
  const [begin, end] = offsets;
  if (end - begin !== bytes) {
    return fail(`${tensor}, ${showShape(shape)} of ${dtype}, needs ${bytes} bytes but is given ${end - begin}`);
  }
  return { name, dtype, shape, count, begin, end };
}

/** Untrusted JSON in an error: never descends, since a hostile value may be nested a million levels deep. */
const show = (value: unknown): string =>
  typeof value === 'string' ? quote(value) : typeof value === 'object' && value !== null ? '{…}' : String(value);

const showShape = (shape: readonly unknown[]): string =>
  `[${shape.slice(0, 8).map(show).join(', ')}${shape.length > 8 ? ', …' : ''}]`;

/** Sorted entries must follow each other from the first byte of data to the last. */
function checkTiling(entries: readonly TensorEntry[], dataBytes: number, fail: Fail): void {
  let position = 0;
  for (const { name, begin, end } of entries) {
    if (begin < position) fail(`tensor ${quote(name)} overlaps another`);
    if (begin > position) fail(`there is a hole of ${begin - position} bytes before tensor ${quote(name)}`);
    position = end;
  }
  if (position > dataBytes) fail(`its tensors need ${position} bytes of data but it has ${dataBytes}: it was cut`);
  if (position < dataBytes) fail(`${dataBytes - position} bytes follow the last tensor`);
}
