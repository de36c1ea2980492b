/** A lock on a folder that the system releases with the process that holds it, however that ends: one left behind never blocks. */
import fs from 'node:fs';
import { createRequire } from 'node:module';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { UserError } from '../errors.ts';
import { guarded, hasCode } from './file_errors.ts';
import { isRunning } from './files.ts';

const fileName = 'run.lock';

/** The byte that is locked. It lies behind the file's text, because Windows lets nobody else read what is locked. */
const lockedByte = 2 ** 20;

/** Who holds a lock: named in the refusal, and checked where the file system has no locks. */
interface Holder {
  readonly pid: number;
  readonly host: string;
  /** When the process started, as the system counts it: a later process may have the same pid. Undefined: not known. */
  readonly started: string | undefined;
}

interface Native {
  tryLock(fd: number, offset: number, length: number): boolean;
}

/** fcntl's OFD locks on Linux (also over NFS), flock on macOS, LockFileEx on Windows. Undefined: no binary for this system. */
let native: Native | null | undefined;
function nativeLocks(): Native | null {
  if (native !== undefined) return native;
  try {
    native = createRequire(import.meta.url)('fs-native-extensions') as Native;
  } catch {
    native = null;
  }
  return native;
}

type Attempt = 'held' | 'busy' | 'unsupported';

function tryLock(fd: number, locks: Native | null): Attempt {
  if (!locks) return 'unsupported';
  try {
    return locks.tryLock(fd, lockedByte, 1) ? 'held' : 'busy';
  } catch (error) {
    return hasCode(error, 'EBUSY', 'EACCES') ? 'busy' : 'unsupported'; // ENOLCK, ENOTSUP …: a file system without locks
  }
}

/**
 * Locks a folder, which must be there. Where neither the system nor the file system offers locks, the process that the lock file
 * names is looked for instead, by its number and the time it started.
 *
 * @param locks for tests: null stands for a system without locks
 * @returns what releases the lock
 * @throws UserError another process holds it, or the folder cannot be written
 */
export function lockFolder(path: string, locks = nativeLocks()): () => void {
  const file = join(path, fileName);
  for (;;) {
    const fd = guarded('write', file, () => fs.openSync(file, 'a+'));
    const attempt = tryLock(fd, locks);
    const holder = readHolder(fd);
    if (attempt === 'busy' || (attempt === 'unsupported' && isAlive(holder))) {
      fs.closeSync(fd);
      throw new UserError(`${path}: ${nameOf(holder)} is training in this folder; wait for it or stop it`);
    }
    if (!isStillThere(fd, file)) {
      fs.closeSync(fd); // its holder removed it between our two calls
      continue;
    }
    fs.ftruncateSync(fd, 0);
    fs.writeSync(fd, `${JSON.stringify(thisProcess())}\n`);
    return () => release(fd, file);
  }
}

/** Throws as `lockFolder` does where a process holds a folder's lock. Leaves nothing behind. */
export function checkUnlocked(path: string): void {
  if (fs.existsSync(join(path, fileName))) lockFolder(path)();
}

/**
 * Who seems to hold a folder's lock, without touching it: whoever only looks must never be in the way of a training that begins.
 * @returns `here`: a process of this machine; `elsewhere`: one of another machine, of which no more is known; `gone`: a process of this
 * machine that ended without releasing it; undefined: nobody
 */
export function holderOf(path: string): 'here' | 'elsewhere' | 'gone' | undefined {
  let fd: number;
  try {
    fd = fs.openSync(join(path, fileName), 'r');
  } catch {
    return undefined;
  }
  try {
    const holder = readHolder(fd);
    if (holder && holder.host !== hostname()) return 'elsewhere';
    return isAlive(holder) ? 'here' : 'gone';
  } finally {
    fs.closeSync(fd);
  }
}

function release(fd: number, file: string): void {
  fs.rmSync(file, { force: true }); // while it is locked: nobody else's file can be there
  fs.closeSync(fd);
}

function isStillThere(fd: number, file: string): boolean {
  const [open, there] = [
    fs.fstatSync(fd, { bigint: true }),
    fs.statSync(file, { bigint: true, throwIfNoEntry: false }),
  ];
  return open.ino === there?.ino && open.dev === there.dev;
}

const thisProcess = (): Holder => ({ pid: process.pid, host: hostname(), started: startOf(process.pid) });

function readHolder(fd: number): Holder | undefined {
  const bytes = Buffer.alloc(1024);
  try {
    const read = JSON.parse(bytes.toString('utf8', 0, fs.readSync(fd, bytes, 0, bytes.length, 0))) as Partial<Holder>;
    if (typeof read?.pid !== 'number' || typeof read.host !== 'string') return undefined;
    return { pid: read.pid, host: read.host, started: read.started };
  } catch {
    return undefined;
  }
}

const nameOf = (holder: Holder | undefined): string => {
  if (!holder) return 'another process';
  return `process ${holder.pid}${holder.host === hostname() ? '' : ` on ${holder.host}`}`;
};

/** Of a process on another machine nothing can be known; it does not count. */
const isAlive = (holder: Holder | undefined): boolean =>
  holder !== undefined && holder.host === hostname() && isRunning(holder.pid) && startOf(holder.pid) === holder.started;

/** Boot and start time of a process on Linux; undefined of one that has ended and waits for its parent to notice, as in a container it may for ever. */
function startOf(pid: number): string | undefined {
  try {
    const boot = fs.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : `${boot} ${fields[19]}`;
  } catch {
    return undefined;
  }
}
