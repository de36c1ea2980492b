/**
 * Preloaded into a process (`node --import`), makes its disk fail: from the n-th write below a folder on, every write there fails with
 * this code. At the end of the process the number of writes is left in a file.
 *
 *   FAULT_FOLDER  absolute path         FAULT_CODE   ENOSPC, EROFS, EIO, ENOENT
 *   FAULT_AT      n, 0: never           FAULT_COUNT  file for the number of writes
 */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { resolve, sep } from 'node:path';

const { FAULT_FOLDER: folder = '', FAULT_CODE: code = 'EIO', FAULT_AT: at = '0', FAULT_COUNT: countFile } = process.env;
const first = Number(at);
const texts = {
  ENOSPC: 'no space left on device',
  EROFS: 'read-only file system',
  EIO: 'i/o error',
  ENOENT: 'no such file or directory',
};
const descriptors = new Map();
let writes = 0;

const isInside = (path) => {
  const full = resolve(String(path));
  return full === folder || full.startsWith(folder + sep);
};

/** Counts a write, and fails where its turn has come. */
function write(path, syscall) {
  if (!isInside(path)) return;
  writes++;
  if (first > 0 && writes >= first)
    throw Object.assign(new Error(`${code}: ${texts[code] ?? 'fault'}, ${syscall} '${path}'`), { code, syscall, path });
}

const original = { ...fs };
const forWriting = (flags) => typeof flags === 'string' && /[wa+]/.test(flags);

fs.openSync = (path, flags, ...rest) => {
  if (forWriting(flags)) write(path, 'open');
  const descriptor = original.openSync(path, flags, ...rest);
  if (isInside(path)) descriptors.set(descriptor, path);
  return descriptor;
};
fs.closeSync = (descriptor) => {
  descriptors.delete(descriptor);
  return original.closeSync(descriptor);
};
for (const name of ['writeSync', 'writevSync', 'ftruncateSync', 'fsyncSync']) {
  fs[name] = (descriptor, ...rest) => {
    // What is open stays open when its folder is gone.
    if (descriptors.has(descriptor) && code !== 'ENOENT') write(descriptors.get(descriptor), name.replace('Sync', ''));
    return original[name](descriptor, ...rest);
  };
}
for (const name of [
  'writeFileSync',
  'appendFileSync',
  'mkdirSync',
  'truncateSync',
  'rmSync',
  'unlinkSync',
  'symlinkSync',
]) {
  fs[name] = (path, ...rest) => {
    if (typeof path === 'string' && !(name === 'mkdirSync' && original.existsSync(path)))
      write(path, name.replace('Sync', ''));
    return original[name](path, ...rest);
  };
}
for (const name of ['renameSync', 'copyFileSync', 'linkSync']) {
  fs[name] = (from, to, ...rest) => {
    write(to, name.replace('Sync', ''));
    return original[name](from, to, ...rest);
  };
}
syncBuiltinESMExports();
process.on('exit', () => countFile && original.writeFileSync(countFile, String(writes)));
