/** What a folder holds, as far as it can be opened by its name, and which folders are no place for photos. */
import { isUtf8 } from 'node:buffer';
import type { Dirent } from 'node:fs';
import { readdir, statfs } from 'node:fs/promises';

export interface Entry extends Pick<Dirent, 'isFile' | 'isDirectory' | 'isSymbolicLink'> {
  readonly name: string;
  /** False: the name is bytes that no text stands for (of an old archive, say), and the entry cannot be opened by it. */
  readonly nameable: boolean;
}

/** The entries of a folder, sorted by name. */
export async function listEntries(folder: string): Promise<Entry[]> {
  const entries = await readdir(folder, { withFileTypes: true, encoding: 'buffer' });
  return entries
    .map((entry) => ({
      name: entry.name.toString(),
      nameable: isUtf8(entry.name),
      isFile: () => entry.isFile(),
      isDirectory: () => entry.isDirectory(),
      isSymbolicLink: () => entry.isSymbolicLink(),
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Why such an entry is left out, and what to do. */
export const notUtf8 = 'its name is not UTF-8: rename it';

/** Linux's file systems that hold no files but views of the kernel, by the numbers that statfs gives them. */
const kernelViews: Readonly<Record<number, string>> = {
  40864: 'proc',
  1650812274: 'sysfs',
  2613483: 'cgroup',
  1667723888: 'cgroup2',
  1684170528: 'debugfs',
  1953653091: 'tracefs',
  1935894131: 'securityfs',
};

/** The name of the file system, where `folder` is a view of the kernel: /proc and /sys have hundreds of thousands of entries, and loops. */
export async function kernelView(folder: string): Promise<string | undefined> {
  if (process.platform !== 'linux') return undefined;
  const found = await statfs(folder).catch(() => undefined);
  return found && kernelViews[found.type];
}
