/**
 * Files that survive a crash: whole files are replaced in one rename, logs are appended line by line and mend a cut last line.
 * Everything is synchronous: a checkpoint is a moment at which training stands still. System errors become UserErrors.
 */

import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import { UserError } from '../errors.ts';
import { fileError, guarded, hasCode, quote } from './file_errors.ts';

/** Node's writeSync takes less than 2 GiB at once; smaller pieces also keep a signal from waiting long. */
const MAX_WRITE = 64 * 1024 * 1024;

/**
 * Replaces `path` by the concatenated pieces: all of them or, when anything throws (the pieces' iterator included), none.
 * They go to a temporary file beside the target, which is synced and renamed over it; then the folder is synced. The temporary
 * is removed on failure; what a killed process left behind goes with the next write. A symbolic link keeps pointing.
 * @param mode who may read and write it, less what the process's mask takes away
 * @returns the number of bytes written
 */
export function writeFileAtomic(
  path: string,
  pieces: string | Uint8Array | Iterable<string | Uint8Array>,
  mode = 0o666,
): number {
  const target = guarded('write', path, () => replaceableTarget(path));
  const temporary = join(dirname(target), temporaryName(target, process.pid));
  removeStaleTemporaries(target);
  let fd: number | undefined;
  let bytes = 0;
  try {
    const file = (fd = guarded('write', path, () => fs.openSync(temporary, 'wx', mode)));
    for (const piece of typeof pieces === 'string' || pieces instanceof Uint8Array ? [pieces] : pieces) {
      bytes += guarded('write', path, () => writeAll(file, piece));
    }
    guarded('write', path, () => {
      fs.fsyncSync(file);
      fd = undefined;
      fs.closeSync(file);
      fs.renameSync(temporary, target);
    });
  } catch (error) {
    ignoringErrors(() => fd !== undefined && fs.closeSync(fd));
    ignoringErrors(() => fs.rmSync(temporary, { force: true }));
    throw error;
  }
  guarded('write', path, () => syncFolder(dirname(target)));
  return bytes;
}

/**
 * A name that says whose temporary it is in few bytes: the target's own name may be as long as the file system allows. The dot hides
 * it from whatever looks for photos.
 */
export function temporaryName(target: string, pid: number): string {
  const digest = createHash('sha256').update(basename(target)).digest('hex');
  return `.${digest.slice(0, 16)}.${pid}.tmp`;
}

/** Where the rename must go: through symbolic links, and only onto a regular file (a rename would replace /dev/null itself). */
function replaceableTarget(path: string): string {
  const stat = fs.statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return path;
  if (stat.isDirectory()) throw Object.assign(new Error(`${path} is a folder`), { code: 'EISDIR' });
  if (!stat.isFile()) throw new UserError(`cannot write ${path}: it is not a regular file; choose another --out`);
  return fs.realpathSync(path);
}

/** Removes temporaries of this target whose process is gone, or had this process's number before it. */
function removeStaleTemporaries(target: string): void {
  ignoringErrors(() => {
    const folder = dirname(target);
    for (const name of fs.readdirSync(folder)) {
      const pid = Number(/\.(\d+)\.tmp$/.exec(name)?.[1] ?? Number.NaN);
      if (name !== temporaryName(target, pid)) continue;
      if (pid === process.pid || !isRunning(pid)) fs.rmSync(join(folder, name));
    }
  });
}

/** Whether there is a process of this number. */
export function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return !hasCode(error, 'ESRCH');
  }
}

function writeAll(fd: number, piece: string | Uint8Array): number {
  const bytes = typeof piece === 'string' ? Buffer.from(piece) : piece;
  let done = 0;
  while (done < bytes.length) done += fs.writeSync(fd, bytes, done, Math.min(MAX_WRITE, bytes.length - done));
  return done;
}

/** Makes a rename durable. Windows cannot open a folder and some network file systems cannot sync one: nothing to do there. */
function syncFolder(folder: string): void {
  if (process.platform === 'win32') return;
  const fd = fs.openSync(folder, 'r');
  try {
    fs.fsyncSync(fd);
  } catch (error) {
    if (!hasCode(error, 'EINVAL', 'ENOTSUP')) throw error;
  } finally {
    fs.closeSync(fd);
  }
}

/** For clean-up after a failure, whose own error must not hide the first. */
function ignoringErrors(action: () => unknown): void {
  try {
    action();
  } catch {}
}

/**
 * @throws UserError (usage) the name of a file does not end in one of `known`; case does not matter
 * @param what would be written, for the message
 */
export function checkExtension(path: string, known: readonly string[], what: string): void {
  if (known.includes(extname(path).toLowerCase())) return;
  throw new UserError(`${path}: unknown extension for ${what}; supported: ${known.join(', ')}`, 2);
}

/**
 * Creates the folder (and its parents) and proves that a file can be made in it.
 * @param option named in the advice
 * @returns the folders that it created, outermost first
 */
export function ensureWritableDir(path: string, option = '--out'): string[] {
  const probe = join(path, `.writable.${process.pid}.tmp`);
  const made: string[] = [];
  try {
    makeFolders(path, made);
    fs.closeSync(fs.openSync(probe, 'w'));
    fs.rmSync(probe);
  } catch (error) {
    removeEmptyFolders(made);
    throw fileError('write', path, error, option);
  }
  return made;
}

/** Proves that `ensureWritableDir` will succeed, and leaves everything as it was: the command may yet be refused. */
export const checkWritableDir = (path: string, option?: string): void =>
  removeEmptyFolders(ensureWritableDir(path, option));

/** Removes folders, listed outermost first, that nothing has been put into. */
export function removeEmptyFolders(folders: readonly string[]): void {
  for (const folder of folders.toReversed()) ignoringErrors(() => fs.rmdirSync(folder));
}

/** Not `mkdirSync(…, { recursive: true })`: in Node 20 it never returns where mkdir says ENOENT below an existing folder (/proc). */
function makeFolders(path: string, made: string[]): void {
  if (fs.statSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
  const parent = dirname(path);
  if (parent !== path && !fs.existsSync(parent)) makeFolders(parent, made);
  try {
    fs.mkdirSync(path);
    made.push(path);
  } catch (error) {
    // Another process may have been faster.
    if (!hasCode(error, 'EEXIST') || !fs.statSync(path).isDirectory()) throw error;
  }
}

/**
 * Appends one record to a JSON-lines file, created if need be. A last line that a crash cut is removed first; a write that fails
 * half-way is taken back. A number JSON does not know (NaN, infinity) is stored as null.
 */
export function appendLine(path: string, record: object): void {
  guarded('write', path, () => {
    const fd = fs.openSync(path, 'a+');
    try {
      const size = mendLastLine(fd);
      try {
        writeAll(fd, `${JSON.stringify(record)}\n`);
      } catch (error) {
        ignoringErrors(() => fs.ftruncateSync(fd, size));
        throw error;
      }
    } finally {
      fs.closeSync(fd);
    }
  });
}

/** Removes what follows the last line break (or only adds the break, if it is a whole record). @returns the file's size */
function mendLastLine(fd: number): number {
  const size = fs.fstatSync(fd).size;
  const last = Buffer.alloc(1);
  if (size === 0 || (fs.readSync(fd, last, 0, 1, size - 1) === 1 && last[0] === 0x0a)) return size;
  const content = Buffer.alloc(size);
  fs.readSync(fd, content, 0, size, 0);
  const start = content.lastIndexOf(0x0a) + 1;
  if (parseRecord(content.toString('utf8', start)) !== undefined) return size + writeAll(fd, '\n');
  fs.ftruncateSync(fd, start);
  return start;
}

/** The records of a JSON-lines file. A last line without its line break that is no whole record was cut by a crash: it is dropped. */
export const readJsonLines = (path: string): object[] => jsonLines(path).map(({ record }) => record);

/** The same with the number of each line, from 1. */
export const jsonLines = (path: string): readonly JsonLine[] => parseJsonLines(path).lines;

/**
 * Keeps the records for which `keep` is true, byte by byte as they are, and drops the others and a cut last line, atomically.
 * A file that does not exist, or of which all is kept, is left alone.
 * @returns the number of whole records dropped
 */
export function truncateJsonLines(path: string, keep: (record: object) => boolean): number {
  if (!fs.existsSync(path)) return 0;
  const { lines, mended } = parseJsonLines(path);
  const kept = lines.filter((line) => keep(line.record));
  if (mended || kept.length < lines.length) writeFileAtomic(path, [kept.map((line) => `${line.text}\n`).join('')]);
  return lines.length - kept.length;
}

interface JsonLine {
  readonly line: number;
  readonly text: string;
  readonly record: object;
}

/** `mended`: the last line had no line break, whether it was kept or not. */
function parseJsonLines(path: string): { lines: JsonLine[]; mended: boolean } {
  const texts = guarded('read', path, () => fs.readFileSync(path, 'utf8')).split('\n');
  const lines: JsonLine[] = [];
  texts.forEach((text, i) => {
    const record = parseRecord(text);
    if (record !== undefined) lines.push({ line: i + 1, text, record });
    else if (text.trim() !== '' && i < texts.length - 1) {
      throw new UserError(`cannot read ${path}: line ${i + 1} is not a JSON object: ${quote(text)}; remove that line`);
    }
  });
  return { lines, mended: texts[texts.length - 1] !== '' };
}

function parseRecord(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
