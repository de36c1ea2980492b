/** Finds the photos, or files of another kind, under a folder, and the classes that its subfolders spell. */
import { realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, UserError } from '../errors.ts';
import { fileError } from '../io/file_errors.ts';
import { type Entry, kernelView, listEntries, notUtf8 } from './entries.ts';
import type { Skipped } from './images.ts';
import { extensionOf, isHidden, PHOTO_EXTENSIONS, packageFolders, UNREADABLE_EXTENSIONS } from './photo_names.ts';
import { holdsResults } from './results_folder.ts';

/** A folder or photo that is there and no data. */
export interface LeftOut {
  readonly path: string;
  /** Results of this program, a folder of packages, a view of the system such as /proc, or what the user excludes. */
  readonly why: 'results' | 'packages' | 'system' | 'excluded';
}

export interface Scan {
  /** Paths relative to the folder, '/' between the parts, in byte order of their UTF-8. */
  readonly files: string[];
  readonly skipped: Skipped[];
  readonly leftOut: LeftOut[];
}

/** Whether a path relative to the folder is to be left out. */
export type Excludes = (path: string) => boolean;

/** Files that are looked for, by their extensions in lower case. */
export interface FileKind {
  readonly extensions: readonly string[];
  /** Looked for too, and told of as skipped. */
  readonly unsupported: readonly string[];
  /** What a file of those is to be converted to. */
  readonly convertTo: string;
}

const photos: FileKind = {
  ...{ extensions: PHOTO_EXTENSIONS, unsupported: UNREADABLE_EXTENSIONS },
  convertTo: 'JPEG or PNG',
};

/** Lists the photos under `folder`; see `scanFiles`. */
export const scanPhotos = (folder: string, excludes?: Excludes): Promise<Scan> => scanFiles(folder, photos, excludes);

/**
 * Lists the files of a kind under `folder`, nested to any depth. Symbolic links are followed; a folder that was already listed (a loop, a
 * second link, a link to a folder around it) is not listed again, so no file is counted twice and every walk ends. Folders of results,
 * of packages and of the system are left out, `folder` itself is not.
 */
export async function scanFiles(folder: string, kind: FileKind, excludes: Excludes = () => false): Promise<Scan> {
  const walk = new Walk(folder, kind, excludes);
  await walk.from('');
  // Real folders first: of a folder and a link to it, the folder's own name counts, whichever sorts first.
  for (let next = 0; next < walk.linked.length; next++) await walk.from(walk.linked[next]);
  return { ...walk.found, files: sortByBytes(walk.found.files) };
}

/** A walk through a folder. Paths are relative to it. */
class Walk {
  readonly found: Scan = { files: [], skipped: [], leftOut: [] };
  /** Folders that were reached through a link and are to be walked from. */
  readonly linked: string[] = [];
  private readonly seen = new Set<string>();

  constructor(
    private readonly root: string,
    private readonly wanted: FileKind,
    private readonly excludes: Excludes,
  ) {}

  /** Lists all below a folder, linked folders apart. */
  async from(start: string): Promise<void> {
    const pending = [start];
    for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
      const folder = join(this.root, path);
      if (await this.isSeen(folder, path)) continue;
      if (await kernelView(folder)) {
        this.found.leftOut.push({ path, why: 'system' });
        continue;
      }
      const entries = await this.entriesOf(folder, path);
      const names = entries.map(({ name }) => name);
      if (path !== '' && holdsResults(folder, names)) this.found.leftOut.push({ path, why: 'results' });
      else
        for (const entry of entries)
          await this.take(entry, path === '' ? entry.name : `${path}/${entry.name}`, pending);
    }
  }

  /** Whether a folder was listed, under whatever name, or cannot be; from now on it is. */
  private async isSeen(folder: string, path: string): Promise<boolean> {
    const real = await realpath(folder).catch((error: unknown) => this.refused(folder, path, error));
    if (real === undefined || this.seen.has(real)) return true;
    this.seen.add(real);
    return false;
  }

  private async take(entry: Entry, path: string, pending: string[]): Promise<void> {
    const { files, skipped, leftOut } = this.found;
    if (isHidden(entry.name)) return;
    const kind = await kindOf(entry, join(this.root, path));
    const { extensions, unsupported, convertTo } = this.wanted;
    const extension = extensionOf(path);
    const wanted = extensions.includes(extension);
    if (kind === 'other' || (kind === 'file' && !wanted && !unsupported.includes(extension))) return;
    const why = this.excludes(path) ? 'excluded' : packageFolders.includes(entry.name) ? 'packages' : undefined;
    if (why) leftOut.push({ path, why });
    else if (!entry.nameable) skipped.push({ file: path, reason: notUtf8 });
    else if (kind === 'folder') pending.push(path);
    else if (kind === 'linked folder') this.linked.push(path);
    else if (wanted) files.push(path);
    else skipped.push({ file: path, reason: `${extension} files are not supported: convert to ${convertTo}` });
  }

  private async entriesOf(folder: string, path: string): Promise<Entry[]> {
    return listEntries(folder).catch((error: unknown) => this.refused(folder, path, error) ?? []);
  }

  /** A folder that may not be read is told among the skipped. UserError: it is the whole set. */
  private refused(folder: string, path: string, error: unknown): undefined {
    if (path === '') throw fileError('read', folder, error);
    this.found.skipped.push({ file: path, reason: `folder cannot be read (${messageOf(error)})` });
  }
}

async function kindOf(entry: Entry, path: string): Promise<'file' | 'folder' | 'linked folder' | 'other'> {
  if (entry.isFile()) return 'file';
  if (entry.isDirectory()) return 'folder';
  if (!entry.isSymbolicLink()) return 'other';
  const target = await stat(path).catch(() => undefined);
  if (target?.isDirectory()) return 'linked folder';
  // A broken link with a photo's name is a photo that is missing: let the decoder report it.
  return target === undefined || target.isFile() ? 'file' : 'other';
}

/** Byte order of the UTF-8: the same on every system and in every language setting. */
export function sortByBytes(paths: string[]): string[] {
  const keyed = paths.map((path) => ({ path, key: Buffer.from(path) }));
  return keyed.sort((a, b) => Buffer.compare(a.key, b.key)).map(({ path }) => path);
}

/** The class folder of each photo; undefined where one lies flat or deeper. */
function classFolders(files: readonly string[]): string[] | undefined {
  if (!files.every((file) => /^[^/]+\/[^/]+$/.test(file))) return undefined;
  return files.map((file) => file.slice(0, file.indexOf('/')));
}

/** Whether folder names are labels of these photos. */
export const hasClasses = (files: readonly string[]): boolean => new Set(classFolders(files)).size > 1;

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
  const classes = classFolders(files);
  if (!classes) return undefined;
  const found = sortByBytes([...new Set(classes)]);
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
    labels[i] = index.get(name)!;
  });
  return { labels, classNames: names };
}
