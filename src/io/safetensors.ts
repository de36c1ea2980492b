/** Safetensors files; `safetensors_format.ts` has what is in them. */

import fs from 'node:fs';
import { UserError } from '../errors.ts';
import { guarded } from './file_errors.ts';
import { writeFileAtomic } from './files.ts';
import { type NamedTensors, readFrom, type Safetensors, safetensorsPieces } from './safetensors_format.ts';

export { type Dtype, type StoredTensor, type TypedArray, toFloat32 } from './dtypes.ts';
export {
  decodeSafetensors,
  encodeSafetensors,
  type NamedTensors,
  type Safetensors,
  safetensorsPieces,
} from './safetensors_format.ts';

const MAX_READ = 64 * 1024 * 1024;

/** Writes the file atomically, never building it in memory. @returns its size in bytes */
export const writeSafetensors = (
  path: string,
  tensors: NamedTensors,
  metadata: Readonly<Record<string, string>> = {},
): number => writeFileAtomic(path, safetensorsPieces(tensors, metadata));

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
