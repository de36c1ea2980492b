/** Finds the photos under a folder, and the classes that its subfolders spell. */
import type { Dirent } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, UserError } from '../errors.ts';
import { fileError, reading } from './file_errors.ts';
import type { Skipped } from './images.ts';
import { extensionOf, isHidden, isPhoto, packageFolders, UNREADABLE_EXTENSIONS } from './photo_names.ts';
import { holdsResults } from './results_folder.ts';

/** A folder or photo that is there and no data. */
export interface LeftOut {
  readonly path: string;
  /** Results of this program, a folder of packages, or what the user excludes. */
  readonly why: 'results' | 'packages' | 'excluded';
}

export interface Scan {
  /** Paths relative to the folder, '/' between the parts, in byte order of their UTF-8. */
  readonly files: string[];
  readonly skipped: Skipped[];
  readonly leftOut: LeftOut[];
}

/** Whether a path relative to the folder is to be left out. */
export type Excludes = (path: string) => boolean;

/**
 * Lists the photos under `folder`, nested to any depth. Symbolic links are followed; a linked folder that was already
 * listed (a loop, a second link) is not listed again, so no photo is counted twice and every walk ends. Folders of results and of
 * packages are left out, `folder` itself is not.
 */
export async function scanPhotos(folder: string, excludes: Excludes = () => false): Promise<Scan> {
  const scan: Scan = { files: [], skipped: [], leftOut: [] };
  const seen = new Set([await reading(folder, realpath(folder))]);
  const linked: string[] = [];
  const walk = (start: string) => walkFolder(folder, start, scan, seen, linked, excludes);
  await walk('');
  // Real folders first: of a folder and a link to it, the folder's own name counts, whichever sorts first.
  for (let next = 0; next < linked.length; next++) {
    const target = await realPath(folder, linked[next], scan.skipped);
    if (target === undefined || seen.has(target)) continue;
    seen.add(target);
    await walk(linked[next]);
  }
  return { ...scan, files: sortByBytes(scan.files) };
}

async function walkFolder(
  root: string,
  start: string,
  scan: Scan,
  seen: Set<string>,
  linked: string[],
  excludes: Excludes,
): Promise<void> {
  const pending = [start];
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    const entries = await listFolder(join(root, path), path, scan.skipped);
    if (
      path !== '' &&
      holdsResults(
        join(root, path),
        entries.map(({ name }) => name),
      )
    ) {
      scan.leftOut.push({ path, why: 'results' });
      continue;
    }
    for (const entry of entries) {
      if (isHidden(entry.name)) continue;
      const child = path === '' ? entry.name : `${path}/${entry.name}`;
      const kind = await kindOf(entry, join(root, child));
      if (kind === 'other' || (kind === 'file' && !looksLikePhoto(child))) continue;
      const why = excludes(child) ? 'excluded' : packageFolders.includes(entry.name) ? 'packages' : undefined;
      if (why) scan.leftOut.push({ path: child, why });
      else if (kind === 'file') addFile(child, scan);
      else if (kind === 'linked folder') linked.push(child);
      else {
        const target = await realPath(root, child, scan.skipped);
        if (target === undefined) continue;
        seen.add(target);
        pending.push(child);
      }
    }
  }
}

async function listFolder(folder: string, path: string, skipped: Skipped[]): Promise<Dirent[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    if (path === '') throw fileError('read', folder, error);
    skipped.push(unreadable(path, error));
    return [];
  }
}

/** Where a folder is, links followed; undefined, and told among the skipped, where that cannot be found out. */
async function realPath(root: string, path: string, skipped: Skipped[]): Promise<string | undefined> {
  try {
    return await realpath(join(root, path));
  } catch (error) {
    skipped.push(unreadable(path, error));
    return undefined;
  }
}

const unreadable = (path: string, error: unknown): Skipped => ({
  file: path,
  reason: `folder cannot be read (${messageOf(error)})`,
});

async function kindOf(entry: Dirent, path: string): Promise<'file' | 'folder' | 'linked folder' | 'other'> {
  if (entry.isFile()) return 'file';
  if (entry.isDirectory()) return 'folder';
  if (!entry.isSymbolicLink()) return 'other';
  const target = await stat(path).catch(() => undefined);
  if (target?.isDirectory()) return 'linked folder';
  // A broken link with a photo's name is a photo that is missing: let the decoder report it.
  return target === undefined || target.isFile() ? 'file' : 'other';
}

const looksLikePhoto = (path: string): boolean => isPhoto(path) || UNREADABLE_EXTENSIONS.includes(extensionOf(path));

function addFile(path: string, scan: Scan): void {
  if (isPhoto(path)) scan.files.push(path);
  else
    scan.skipped.push({ file: path, reason: `${extensionOf(path)} files are not supported: convert to JPEG or PNG` });
}

/** Byte order of the UTF-8: the same on every system and in every language setting. */
function sortByBytes(paths: string[]): string[] {
  const keyed = paths.map((path) => ({ path, key: Buffer.from(path) }));
  return keyed.sort((a, b) => Buffer.compare(a.key, b.key)).map(({ path }) => path);
}

/**
 * Labels from folder names, when every photo lies in a class folder (exactly `class/photo`): class index = place of the
 * folder's name among all, sorted, or in `classNames` when given (then one folder is enough).
 *
 * @returns undefined when the photos lie flat, deeper, or in a single folder
 * @throws UserError a class folder that `classNames` has not
 */
export function labelsOf(
  files: readonly string[],
  folder: string,
  classNames?: readonly string[],
): { labels: Uint8Array | Uint16Array; classNames: readonly string[] } | undefined {
  const classes = files.map((file) => (/^[^/]+\/[^/]+$/.test(file) ? file.slice(0, file.indexOf('/')) : undefined));
  if (classes.includes(undefined)) return undefined;
  const found = sortByBytes([...new Set(classes as string[])]);
  const names = classNames ?? found;
  if (names.length < 2) return undefined;
  if (names.length > 65536)
    throw new UserError(`${folder}: ${names.length} class folders, at most 65536 are supported`);
  const index = new Map(names.map((name, i) => [name, i]));
  const unknown = found.find((name) => !index.has(name));
  if (unknown !== undefined) {
    throw new UserError(
      `${folder}: class folder '${unknown}' has no counterpart among the training classes (${names.slice(0, 10).join(', ')})`,
    );
  }
  const labels = names.length <= 256 ? new Uint8Array(files.length) : new Uint16Array(files.length);
  classes.forEach((name, i) => {
    labels[i] = index.get(name!)!;
  });
  return { labels, classNames: names };
}
