import { readdirSync, readFileSync, realpathSync } from 'node:fs';
import { basename, join } from 'node:path';

const loadSegment = 1;
const dynamicSegment = 2;
const needed = 1n;
const stringTable = 5n;

/**
 * Names of the shared libraries that a library asks the dynamic linker for: the DT_NEEDED entries of a 64-bit little-endian
 * ELF file. Throws where the file is something else.
 * @param {string} file
 * @returns {string[]}
 */
export function neededLibraries(file) {
  const data = readFileSync(file);
  if (data.readUInt32BE(0) !== 0x7f454c46 || data[4] !== 2 || data[5] !== 1) {
    throw new Error(`${file} is not a 64-bit little-endian ELF file`);
  }
  const segments = programHeaders(data);
  const dynamic = segments.find(({ type }) => type === dynamicSegment);
  if (!dynamic) return [];
  const entries = [];
  for (let at = dynamic.offset; at < dynamic.offset + dynamic.size; at += 16) {
    entries.push({ tag: data.readBigUInt64LE(at), value: Number(data.readBigUInt64LE(at + 8)) });
  }
  const address = entries.find(({ tag }) => tag === stringTable)?.value ?? 0;
  const names = segments.find(
    ({ type, start, size }) => type === loadSegment && start <= address && address < start + size,
  );
  if (!names) return [];
  const strings = address - names.start + names.offset;
  return entries
    .filter(({ tag }) => tag === needed)
    .map(({ value }) => data.toString('latin1', strings + value, data.indexOf(0, strings + value)));
}

/** @param {Buffer} data @returns {{ type: number, offset: number, start: number, size: number }[]} offset in the file, start in memory */
function programHeaders(data) {
  const table = Number(data.readBigUInt64LE(32));
  const entrySize = data.readUInt16LE(54);
  return Array.from({ length: data.readUInt16LE(56) }, (_, index) => {
    const at = table + index * entrySize;
    return {
      type: data.readUInt32LE(at),
      offset: Number(data.readBigUInt64LE(at + 8)),
      start: Number(data.readBigUInt64LE(at + 16)),
      size: Number(data.readBigUInt64LE(at + 32)),
    };
  });
}

/**
 * The libraries under a folder that a library needs, directly or through one another, each after those that it needs itself:
 * loaded in this order, every one finds its dependencies in memory. Libraries that are not under the folder are left to the
 * system.
 * @param {string} library
 * @param {string} folder
 * @returns {{ name: string, file: string }[]} the name that is asked for and the file that has it
 */
export function privateDependencies(library, folder) {
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  const files = new Map(
    paths.filter((path) => /\.so(\.|$)/.test(path)).map((path) => [basename(path), join(folder, path)]),
  );
  /** @type {Map<string, string>} */
  const found = new Map();
  const seen = new Set();
  const visit = (/** @type {string} */ file) => {
    for (const name of neededLibraries(file)) {
      const dependency = files.get(name);
      if (!dependency || seen.has(name)) continue;
      seen.add(name);
      const real = realpathSync(dependency);
      visit(real);
      found.set(name, real);
    }
  };
  visit(library);
  return [...found].map(([name, file]) => ({ name, file }));
}
