/** Errors of the file system in words: what failed, why, and what to do about it, in one line. */

import { UserError } from '../errors.ts';
import { quoted } from './printable.ts';

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'operation not permitted',
  EROFS: 'the file system is read-only',
  ENOSPC: 'no space left on device',
  EDQUOT: 'the disk quota is used up',
  EFBIG: 'the file would be larger than the file system or the process limit allows',
  ENOTDIR: 'a part of the path is a file, not a folder',
  EISDIR: 'it is a folder, not a file',
  EEXIST: 'a file of that name is in the way',
  ENOENT: 'no such file or folder',
  ENAMETOOLONG: 'the name is too long',
  ELOOP: 'too many symbolic links',
  EMFILE: 'too many open files',
  EIO: 'the device reported an input/output error',
};

/** The name of a system error; not Node's own ERR_… codes, which mark bugs. */
const codeOf = (error: unknown): string | undefined => {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === 'string' && /^E[A-Z0-9]+$/.test(code) ? code : undefined;
};

/** True for a failed system call with that code, such as `ENOENT`. */
export const hasCode = (error: unknown, ...codes: string[]): boolean => codes.includes(codeOf(error) ?? '');

/**
 * The UserError for a failed system call on `path`. Anything that is no system error (a bug, a UserError already made) comes
 * back as it is, to be thrown on.
 * @param option the command-line option that chooses the place to write to, named in the advice
 */
export function fileError(verb: 'read' | 'write', path: string, error: unknown, option = '--out'): unknown {
  const code = codeOf(error);
  if (error instanceof UserError || code === undefined || !(error instanceof Error)) return error;
  const reason = REASONS[code] ?? `system error ${code}`;
  const remedy = verb === 'read' ? readRemedy(code) : writeRemedy(code, option);
  return new UserError(`cannot ${verb} ${path}: ${reason}; ${remedy}`, 1, { cause: error });
}

/** The same for a failed system call that nobody has put into words: Node says on which file, and which call it was. */
export function systemError(error: unknown): UserError | undefined {
  const { path, syscall = '' } = (error ?? {}) as { path?: unknown; syscall?: string };
  if (codeOf(error) === undefined || typeof path !== 'string') return undefined;
  const reads = ['open', 'read', 'scandir', 'stat', 'lstat', 'realpath', 'access', 'readlink', 'statfs'];
  return fileError(reads.includes(syscall) ? 'read' : 'write', path, error) as UserError;
}

const readRemedy = (code: string): string =>
  code === 'EACCES' || code === 'EPERM' ? 'check its permissions' : 'check the path';

function writeRemedy(code: string, option: string): string {
  if (code === 'ENOSPC' || code === 'EDQUOT') return `free space or choose another ${option}`;
  if (code === 'EACCES' || code === 'EPERM') return `change the permissions or choose another ${option}`;
  if (code === 'ENOENT') return `create the folder or choose another ${option}`;
  return `choose another ${option}`;
}

/** Runs system calls on `path`; a failure is thrown as the UserError that `fileError` makes of it. */
export function guarded<T>(verb: 'read' | 'write', path: string, calls: () => T): T {
  try {
    return calls();
  } catch (error) {
    throw fileError(verb, path, error);
  }
}

/** The same for a call that is waited for. */
export const reading = <T>(path: string, call: Promise<T>): Promise<T> =>
  call.catch((error) => {
    throw fileError('read', path, error);
  });

/** Text of a file (a tensor's name, say) made fit for one line of a terminal: quoted, cut at 80 characters, control characters escaped. */
export const quote = (text: string): string => quoted(text.length > 80 ? `${text.slice(0, 79)}…` : text);
