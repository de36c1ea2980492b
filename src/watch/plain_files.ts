/** Reading files of runs that others write, and nothing else: a link in a run's folder leads nowhere. */
import { constants } from 'node:fs';
import { type FileHandle, open, realpath } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Opens a file that is none by way of a symbolic link; a pipe is not waited for. Error: as the system has it. */
export const openPlainly = (file: string): Promise<FileHandle> =>
  open(file, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));

/**
 * The bytes of a file whose folder is a real path.
 * @throws Error it is not there, is no regular file, or is larger than `most` bytes; a link is on the way to it
 */
export async function readPlainly(file: string, most: number): Promise<Buffer> {
  const folder = dirname(file);
  if ((await realpath(folder)) !== folder) throw new Error(`${folder} is reached by a link`);
  const handle = await openPlainly(file);
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) throw new Error(`${file} is no regular file`);
    if (stat.size > most) throw new Error(`${file} has ${stat.size} bytes`);
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}
