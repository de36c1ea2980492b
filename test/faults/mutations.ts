/** Random damage to files, by fast-check: it shrinks what fails to the smallest damage that does. */
import fc from 'fast-check';

/** One change of a file's bytes; places are shares of its length, so that they mean something whatever came before. */
export type Edit =
  | { readonly kind: 'flip'; readonly at: number; readonly bit: number }
  | { readonly kind: 'set'; readonly at: number; readonly byte: number }
  | { readonly kind: 'insert'; readonly at: number; readonly bytes: readonly number[] }
  | { readonly kind: 'delete'; readonly at: number; readonly count: number }
  | { readonly kind: 'repeat'; readonly at: number; readonly count: number }
  | { readonly kind: 'cut'; readonly at: number };

const place = fc.double({ min: 0, max: 1, noNaN: true });
const byte = fc.integer({ min: 0, max: 255 });
const count = fc.integer({ min: 1, max: 64 });

/** What parsers trip over: signs of their own syntax, huge numbers, names of JavaScript's. */
const tokens = [
  '{',
  '}',
  '[',
  ']',
  '"',
  ',',
  ':',
  '\\',
  '\0',
  '\n',
  '-',
  '1e999',
  '-1',
  'null',
  'NaN',
  '__proto__',
  '\u202e',
  '😀',
];
const token = fc.constantFrom(...tokens).map((text) => [...Buffer.from(text)]);

const edit: fc.Arbitrary<Edit> = fc.oneof(
  fc.record({ kind: fc.constant('flip' as const), at: place, bit: fc.integer({ min: 0, max: 7 }) }),
  fc.record({ kind: fc.constant('set' as const), at: place, byte }),
  fc.record({
    kind: fc.constant('insert' as const),
    at: place,
    bytes: fc.oneof(token, fc.array(byte, { maxLength: 16 })),
  }),
  fc.record({ kind: fc.constant('delete' as const), at: place, count }),
  fc.record({ kind: fc.constant('repeat' as const), at: place, count }),
  fc.record({ kind: fc.constant('cut' as const), at: place }),
);

/** One to four edits. */
export const edits = fc.array(edit, { minLength: 1, maxLength: 4 });

/** The bytes after these edits. */
export function damaged(original: Uint8Array, changes: readonly Edit[]): Buffer {
  let bytes = Buffer.from(original);
  for (const change of changes) {
    const at = Math.min(bytes.length, Math.floor(change.at * (bytes.length + 1)));
    const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)];
    switch (change.kind) {
      case 'flip':
      case 'set':
        if (after.length === 0) break;
        bytes = Buffer.from(bytes);
        bytes[at] = change.kind === 'flip' ? bytes[at] ^ (1 << change.bit) : change.byte;
        break;
      case 'insert':
        bytes = Buffer.concat([before, Buffer.from(change.bytes), after]);
        break;
      case 'delete':
        bytes = Buffer.concat([before, after.subarray(change.count)]);
        break;
      case 'repeat':
        bytes = Buffer.concat([before, after.subarray(0, change.count), after]);
        break;
      case 'cut':
        bytes = before;
    }
  }
  return bytes;
}

/** A value in JSON put in the place of another: where, as shares of the values on the way down, and what. */
export interface Replacement {
  readonly path: readonly number[];
  readonly value: unknown;
}

const strange: readonly unknown[] = [
  null,
  true,
  '',
  'x',
  '\n\u0007',
  '../../etc',
  -1,
  0,
  0.5,
  1e308,
  2 ** 53,
  [],
  {},
  [[]],
  { a: 1 },
  'a'.repeat(5000),
  undefined,
];

export const replacements: fc.Arbitrary<readonly Replacement[]> = fc.array(
  fc.record({ path: fc.array(place, { minLength: 0, maxLength: 4 }), value: fc.constantFrom(...strange) }),
  { minLength: 1, maxLength: 3 },
);

/** A JSON value with these replacements; `undefined` removes. */
export function replaced(original: unknown, changes: readonly Replacement[]): unknown {
  let root = structuredClone(original);
  for (const { path, value } of changes) {
    let [holder, key]: [Record<string, unknown> | undefined, string] = [undefined, ''];
    let current: unknown = root;
    for (const share of path) {
      if (typeof current !== 'object' || current === null) break;
      const keys = Object.keys(current);
      if (keys.length === 0) break;
      [holder, key] = [
        current as Record<string, unknown>,
        keys[Math.min(keys.length - 1, Math.floor(share * keys.length))],
      ];
      current = holder[key];
    }
    if (holder === undefined) root = value;
    else if (value === undefined) delete holder[key];
    else holder[key] = value;
  }
  return root;
}
