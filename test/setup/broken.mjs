/**
 * A library that does not load as it should, made of a good one for x64.
 * @param {Buffer} library
 * @param {'garbage' | 'crashing' | 'hanging'} kind
 * @returns {Buffer}
 */
export function breakLibrary(library, kind) {
  if (kind === 'garbage') return Buffer.from('this is no library\n');
  const broken = Buffer.from(library);
  const start = initOffset(broken);
  // Instructions: ud2, which is none, and a jump to itself.
  broken.set(kind === 'crashing' ? [0x0f, 0x0b] : [0xeb, 0xfe], start);
  return broken;
}

/** @param {Buffer} data of an ELF file @returns {number} where the function is that the dynamic linker runs on loading (DT_INIT) */
function initOffset(data) {
  const table = Number(data.readBigUInt64LE(32));
  const segments = Array.from(
    { length: data.readUInt16LE(56) },
    (_, index) => table + index * data.readUInt16LE(54),
  ).map((at) => ({
    type: data.readUInt32LE(at),
    offset: Number(data.readBigUInt64LE(at + 8)),
    start: Number(data.readBigUInt64LE(at + 16)),
    size: Number(data.readBigUInt64LE(at + 32)),
  }));
  const dynamic = segments.find(({ type }) => type === 2);
  for (let at = dynamic?.offset ?? 0; dynamic && at < dynamic.offset + dynamic.size; at += 16) {
    if (data.readBigUInt64LE(at) !== 12n) continue;
    const address = Number(data.readBigUInt64LE(at + 8));
    const segment = segments.find(({ type, start, size }) => type === 1 && start <= address && address < start + size);
    if (segment) return address - segment.start + segment.offset;
  }
  throw new Error('this library has no function that runs when it is loaded');
}
